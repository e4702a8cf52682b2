"""Motion between the frames of a clip: optical flow, warping, scene cuts, combing and interpolation.

Frames are tensors (T, C, H, W) in [0, 1], flows (2, H, W) in pixels, (dy, dx). Nothing here knows files. Importing it
loads OpenCV, which no other package of ours may.
"""

from pipcli.motion.between import interpolate
from pipcli.motion.combing import are_combed
from pipcli.motion.cuts import scene_cuts
from pipcli.motion.flow import Motion, estimate_motion
from pipcli.motion.sampling import warp

__all__ = ["Motion", "are_combed", "estimate_motion", "interpolate", "scene_cuts", "warp"]
