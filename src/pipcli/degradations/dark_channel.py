"""The dark channel: the darkest sample, of all channels, in the neighbourhood of a pixel.

Source: He, Sun and Tang, "Single Image Haze Removal Using Dark Channel Prior" (CVPR 2009). Nearly everywhere in a clear
picture something close by is dark in some channel: a shadow, or a strong colour. What is missing of dark is haze.
"""

from torch import Tensor
from torch.nn import functional as F


def dark_channel(picture: Tensor, radius: int) -> Tensor:
    """Return the (N, 1, H, W) dark channel of a (N, C, H, W) picture over squares of 2 radius + 1 pixels.

    Squares are cut at the edges of the picture.
    """
    side = 2 * radius + 1
    negative = -picture.amin(1, keepdim=True)
    columns = F.max_pool2d(negative, (side, 1), stride=1, padding=(radius, 0))
    return -F.max_pool2d(columns, (1, side), stride=1, padding=(0, radius))


def least_transmission(picture: Tensor, airlight: Tensor, radius: int) -> Tensor:
    """Return the least transmission that each neighbourhood can have, since no scene is darker than black.

    From I = J t + A (1 - t) and J >= 0 follows t >= 1 - I / A; where something is black the two are equal.

    Args:
        picture: (N, C, H, W) in [0, 1], hazy.
        airlight: (N, C, 1, 1) or (N, C, H, W), above 0.
        radius: of the neighbourhood, in pixels.

    Returns:
        (N, 1, H, W), below 0 where the picture is brighter than the airlight.
    """
    return 1 - dark_channel(picture / airlight, radius)
