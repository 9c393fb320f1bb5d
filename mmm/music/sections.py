"""The sections of a song, such as verse and chorus: where they begin, and which ones are alike."""

import itertools

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.ndimage import uniform_filter1d

from mmm.motion.clip import Music
from mmm.music.features import FEATURE_SLICES

Array = np.ndarray

MEAN_S = 12.0
"""Mean length of sections is at least this."""
LEAST_S = 6.0
"""No section is shorter than this."""
SMOOTH = 4
"""Beats over which the sound is averaged; about a bar."""
ALIKE = 0.7
"""Sections whose mean sounds are nearer than this get one label. The unit is the root mean square
distance of a beat's sound from the song's mean."""


def find_sections(music: Music) -> tuple[Int[Array, "S"], Int[Array, "S"]]:
    """The first frame of every section, and its label; alike sections share a label.

    Timbre and harmony are averaged over each beat. Neighbouring stretches are then joined bottom
    up, those first whose union has the least variance (Ward's criterion, as in McFee and Ellis
    2014, "Learning to segment songs with ordinal linear discriminant analysis"). The first section
    begins at frame 0.
    """
    # librosa.segment.agglomerative does the same without a shortest length, but its import takes
    # seconds, and a song whose features are cached needs nothing else of librosa.
    edges = np.unique([0, *music.beats, len(music)])
    sound = _sound(music, edges)
    sums = np.concatenate([np.zeros_like(sound[:1]), np.cumsum(sound, axis=0)])
    first = np.arange(len(sound))
    while len(first) > 1:
        stops = np.array([*first[1:], len(sound)])
        lengths_s = (edges[stops] - edges[first]) / music.fps
        few = lengths_s.mean() >= MEAN_S
        if few and lengths_s.min() >= LEAST_S:
            break
        sizes = (stops - first).astype(float)
        means = (sums[stops] - sums[first]) / sizes[:, None]
        away = ((means[1:] - means[:-1]) ** 2).sum(axis=1)
        growth = away * sizes[1:] * sizes[:-1] / (sizes[1:] + sizes[:-1])
        if few:
            # Only the shortest section is joined to a neighbour.
            pairs = np.arange(len(growth))
            growth[abs(pairs + 0.5 - lengths_s.argmin()) > 1] = np.inf
        first = np.delete(first, growth.argmin() + 1)
    means = [sound[a:b].mean(axis=0) for a, b in itertools.pairwise([*first, len(sound)])]
    return edges[first], _labels(np.stack(means))


def _sound(music: Music, edges: Int[Array, "B"]) -> Float[Array, "b K"]:
    """Timbre and harmony of each beat, both with the same weight."""
    kinds = []
    for kind in ("mfcc", "chroma_cens"):
        values = music.features[:, FEATURE_SLICES[kind]]
        beats = np.stack([values[a:b].mean(axis=0) for a, b in itertools.pairwise(edges)])
        spread = np.maximum(beats.std(axis=0), 1e-6)
        kinds.append((beats - beats.mean(axis=0)) / spread / np.sqrt(2 * values.shape[1]))
    return np.asarray(uniform_filter1d(np.concatenate(kinds, axis=1), SMOOTH, axis=0))


def _labels(means: Float[Array, "S K"]) -> Int[Array, "S"]:
    """Labels of sections by average linkage; neighbours never share one."""
    if len(means) == 1:
        return np.zeros(1, dtype=np.int64)
    tree = linkage(means, "average")
    for most in (ALIKE, *sorted(tree[tree[:, 2] < ALIKE, 2], reverse=True)):
        # Just below the height of a join, so that it is not made.
        labels = fcluster(tree, most * (1 - 1e-6), "distance").astype(np.int64) - 1
        if (labels[1:] != labels[:-1]).all():
            return labels
    return np.arange(len(means))
