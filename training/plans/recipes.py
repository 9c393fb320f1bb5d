"""Training recipes by name: the published schedules and our smaller ones.

The published schedules are those of the original work: masked pre-training, and fixed-pattern
fine-tuning of its ``3bert``. The original uses Adam (0.9, 0.999), a constant learning rate in each
stage, MSE on hidden frames, windows of 120 to 300 frames, and BERT's 80/10/10 corruption in
pre-training. All recipes add two things to it: the gradient norm is clipped, and the saved network
is an exponential moving average.
"""

from mmm.errors import ModelError
from mmm.models import PRESETS
from training.plans.bases import Recipe
from training.plans.finetuning import FINETUNING, SMALL_FIXED
from training.plans.pretraining import PRETRAINING

__all__ = ["FINETUNING", "PRETRAINING", "Recipe", "find_recipe"]


def find_recipe(recipes: dict[str, Recipe], name: str) -> Recipe:
    """A recipe by name; a preset without a recipe gets the plan of the small networks.

    Raises:
        ModelError: there is neither a recipe nor a preset of this name.
    """
    if name in recipes:
        return recipes[name]
    if name in PRESETS:
        return Recipe(
            name, PRETRAINING["ecm-small"].plan if recipes is PRETRAINING else SMALL_FIXED
        )
    raise ModelError(
        f"preset {name!r}",
        "no such preset",
        ", ".join(dict.fromkeys([*recipes, *PRESETS])),
        "choose one of them",
    )
