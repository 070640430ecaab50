"""The two networks: a plain 3-D U-Net that finds bones, a 2-D one that draws their edge."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

COARSE_CHANNELS = (24, 64, 160)
FINE_CHANNELS = (16, 32, 64, 96)
"""Widths at each level. At these sizes bones of an axial series of 27 slices take 3.4 s of a
processor, and the weights 7 MB."""


class _Block(nn.Module):
    """Two convolutions with normalisation."""

    def __init__(self, dims: int, into: int, out: int) -> None:
        super().__init__()
        convolution = nn.Conv3d if dims == 3 else nn.Conv2d
        norm = nn.InstanceNorm3d if dims == 3 else nn.InstanceNorm2d
        layers: list[nn.Module] = []
        for channels in (into, out):
            layers += [
                convolution(channels, out, 3, padding=1, bias=False),
                norm(out, affine=True),
                nn.LeakyReLU(0.01, inplace=True),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Same grid in and out."""
        out: Tensor = self.layers(x)
        return out


class UNet(nn.Module):
    """A U-Net over 2 or 3 dimensions; sizes are multiples of 8."""

    def __init__(self, dims: int, into: int, out: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        convolution = nn.Conv3d if dims == 3 else nn.Conv2d
        widths = (into, *channels)
        self.down = nn.ModuleList(
            _Block(dims, a, b) for a, b in zip(widths, channels, strict=False)
        )
        self.narrow = nn.ModuleList(convolution(b, a, 1) for a, b in pairwise(channels))
        self.up = nn.ModuleList(_Block(dims, a, a) for a in channels[:-1])
        self.pool = nn.MaxPool3d(2) if dims == 3 else nn.MaxPool2d(2)
        self.mode = "trilinear" if dims == 3 else "bilinear"
        self.last = convolution(channels[0], out, 1)

    def forward(self, image: Tensor) -> Tensor:
        """(n, into, ...) to (n, out, ...) logits."""
        levels: list[Tensor] = []
        x = image
        for number, block in enumerate(self.down):
            x = block(x if number == 0 else self.pool(x))
            levels.append(x)
        parts = zip(levels[:-1], self.narrow, self.up, strict=True)
        for level, narrow, block in reversed(list(parts)):
            x = nn.functional.interpolate(narrow(x), scale_factor=2.0, mode=self.mode)
            x = block(x + level)
        out: Tensor = self.last(x)
        return out


class CoarseNetwork(nn.Module):
    """A 3-D U-Net at half the image's resolution, which sees and answers all eight voxels of each.

    Most of a U-Net's time on a CPU goes into its first level; the fine network draws edges anyway.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.inner = UNet(3, 8, 8 * classes, COARSE_CHANNELS)

    def forward(self, image: Tensor) -> Tensor:
        """(n, 1, x, y, z) to (n, classes, x, y, z); sizes are multiples of 8."""
        n, x, y, z = image.shape[0], image.shape[2], image.shape[3], image.shape[4]
        halves = image.reshape(n, x // 2, 2, y // 2, 2, z // 2, 2)
        folded = halves.permute(0, 2, 4, 6, 1, 3, 5).reshape(n, 8, x // 2, y // 2, z // 2)
        said = self.inner(folded).reshape(n, self.classes, 2, 2, 2, x // 2, y // 2, z // 2)
        return said.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(n, self.classes, x, y, z)


def coarse_network(classes: int) -> CoarseNetwork:
    """Image to a logit for every class."""
    return CoarseNetwork(classes)


def fine_network() -> UNet:
    """Three slices and the coarse probability to a logit of bone."""
    return UNet(2, 4, 1, FINE_CHANNELS)
