"""Joint positions without rotations: HumanML3D, AIST++ key points, results of generators."""
