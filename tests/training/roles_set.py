"""A prepared set on joint roles, and a small network for it."""

import json

import numpy as np
import torch

from mmm.models import make_config, make_model
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import ROLES
from mmm.motion.rotations import matrix_to_sixd
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion


def write_roles(folder, lengths, seed=0, music=False):
    """Smooth motions of the SMPL body as one split; with music, features of noise."""
    folder.mkdir(parents=True)
    motions = [
        match_roles(SMPL24).to_roles(smooth_motion(seed + k, n, SMPL24, 30.0))
        for k, n in enumerate(lengths)
    ]
    first = np.cumsum([0, *lengths])
    np.save(
        folder / "rotations.npy",
        np.concatenate([matrix_to_sixd(m.rotations) for m in motions]).astype(np.float16),
    )
    np.save(folder / "root_m.npy", np.concatenate([m.root_m for m in motions]))
    if music:
        rng = np.random.default_rng(seed)
        np.save(folder / "music.npy", rng.normal(size=(first[-1], 35)).astype(np.float32))
    body = motions[0].skeleton
    clips = [
        {"name": f"clip{k}", "first": int(first[k]), "frames": n, "body": 0, "group": "made"}
        for k, n in enumerate(lengths)
    ]
    (folder / "clips.json").write_text(
        json.dumps(
            {
                "version": 1,
                "fps": 30.0,
                "joints_are": "roles",
                "skeleton": list(ROLES),
                "joint_parents": list(body.parents),
                "joint_offsets_m": body.offsets_m.tolist(),
                "bodies": [body.offsets_m.tolist()],
                "present": [[True] * 22],
                "clips": clips,
            }
        )
    )


def tiny_roles_model(**changes):
    """A random network on joint roles, one layer deep; its head too, so that it does not repeat its fill."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "encoder_layers": 1}
    model = make_model(make_config("inbetween", **(sizes | changes))).eval()
    with torch.no_grad():
        model.head.weight.normal_(std=0.05)
    return model
