"""The choices in the side bar of Recover."""

from dataclasses import dataclass

from dashboard.common.model_picker import Roles
from dashboard.files.entries import Entry
from dashboard.files.uploaded_music import Chosen
from dashboard.recover.editing import Desk
from mmm.masks import Mask


@dataclass(frozen=True)
class Choices:
    """A sequence, the hidden entries, and the method that recovers them."""

    entry: Entry
    total: int
    """Frames in the file."""
    frames: tuple[int, int]
    """First and last-plus-one frame of the part that is shown."""
    song: Chosen
    desk: Desk
    """The sequence with its pattern and its edits."""
    method: str
    roles: Roles

    @property
    def mask(self) -> Mask:
        """The hidden entries; none if the SPEC is invalid."""
        return self.desk.edited.mask

    @property
    def is_random(self) -> bool:
        """Whether the pattern depends on the random seed."""
        return "random" in self.mask.label
