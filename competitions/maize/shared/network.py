"""Parts of the convolutional networks over DNA.

A sequence is an image of height 1 whose channels lie last in memory, as `tensors.one_hot` makes it:
the layout in which convolutions, norms and pools are fastest on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BYTE = 256


class Norm(nn.BatchNorm2d):
    """Batch norm that also takes a single value a channel: it then uses what it knows so far."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """[rows, channels, 1, length] to the same."""
        if self.training and input.numel() == input.shape[1]:
            return nn.functional.batch_norm(
                input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(input)


class Convolution(nn.Conv2d):
    """A convolution along the sequence that keeps its length; its width is odd."""

    def __init__(
        self, channels: int, wanted: int, width: int = 1, *, dilation: int = 1, bias: bool = True
    ) -> None:
        padding = (0, dilation * (width // 2))
        super().__init__(
            channels, wanted, (1, width), padding=padding, dilation=(1, dilation), bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """[rows, channels, 1, length] to [rows, wanted, 1, length]."""
        if input.shape[-1] > 1:
            return super().forward(input)
        middle = self.weight[..., 0, self.kernel_size[1] // 2]  # its neighbours see padding only
        return nn.functional.linear(input[..., 0, 0], middle, self.bias)[..., None, None]


class Pool(nn.MaxPool2d):
    """The highest of each `size` neighbours."""

    def __init__(self, size: int) -> None:
        super().__init__((1, size))


class Exponential(nn.Module):
    """e to the power of what comes in, cut off at 6: what fits in part counts little.

    After Koo and Ploenzke 2021 (doi:10.1038/s42256-020-00291-x): filters become motifs.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """The same shape."""
        return input.clamp(max=6).exp()


class Dropout(nn.Module):
    """Dropout that draws eight values at once: one by one takes as long as a convolution."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.below = round(_BYTE * share)

    def forward(self, features: Tensor) -> Tensor:
        """The same shape; the share is rounded to the next of 256."""
        if not self.training or not self.below:
            return features
        if features.device.type != "cpu":
            return nn.functional.dropout(features, self.share)
        words = torch.empty(-(-features.numel() // 8), dtype=torch.int64)
        drawn = words.random_(torch.iinfo(torch.int64).min, None).view(torch.uint8)
        kept = drawn.as_strided(features.shape, features.stride()) >= self.below
        return features * kept.to(features.dtype).mul_(_BYTE / (_BYTE - self.below))


class Residual(nn.Module):
    """What comes in, plus a share of what layers make of it; the share is learned, by channel."""

    def __init__(self, channels: int, layers: nn.Sequential, share: float = 0.5) -> None:
        super().__init__()
        self.layers = layers
        self.share = nn.Parameter(torch.full((channels, 1, 1), share))

    def forward(self, features: Tensor) -> Tensor:
        """[rows, channels, 1, length] to the same."""
        mixed: Tensor = features + self.share * self.layers(features)
        return mixed
