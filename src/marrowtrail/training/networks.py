"""The two networks: a plain 3-D U-Net that finds bones, a 2-D one that draws their edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

COARSE_CHANNELS = (16, 32, 64, 128)
FINE_CHANNELS = (16, 32, 64, 96)
"""Widths at each level. At these sizes both networks together take 2 s for a thick series on two
cores, and their weights 8 MB."""


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
        self.up = nn.ModuleList(
            _Block(dims, a + b, a) for a, b in zip(channels, channels[1:], strict=False)
        )
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
        for level, block in zip(reversed(levels[:-1]), reversed(self.up), strict=True):
            x = nn.functional.interpolate(x, scale_factor=2.0, mode=self.mode)
            x = block(torch.cat([x, level], dim=1))
        out: Tensor = self.last(x)
        return out


def coarse_network(classes: int) -> UNet:
    """Image to a logit for every class."""
    return UNet(3, 1, classes, COARSE_CHANNELS)


def fine_network() -> UNet:
    """Three slices and the coarse probability to a logit of bone."""
    return UNet(2, 4, 1, FINE_CHANNELS)
