"""Registration engines to compare with, used only where they happen to be installed."""

# ruff: noqa: ANN401 (the engines' own objects carry no types)

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from scipy import ndimage

from marrowtrail.anatomy.bones import Bone
from marrowtrail.imaging.series import Series
from marrowtrail.imaging.transform import RigidTransform
from marrowtrail.imaging.volume import Volume, bounding_box

MARGIN_MM = 12.0
BAND_MM = 3.0


class Peer(Protocol):
    """An engine that refines the motion of one bone."""

    @property
    def name(self) -> str:
        """Its name in the table."""

    def register(
        self, fixed: Series, moving: Series, bone: Bone, start: RigidTransform
    ) -> RigidTransform:
        """The motion of a bone from the fixed image's frame to the moving one's."""


def installed_peers() -> tuple[Peer, ...]:
    """Those that can be imported."""
    peers: list[Peer] = []
    if find_spec("SimpleITK") is not None:
        peers.append(SimpleItk())
    if find_spec("itk") is not None and find_spec("itk.ElastixPython") is not None:
        peers.append(ItkElastix())
    return tuple(peers)


def _crop(series: Series, bone: Bone) -> tuple[Volume, Volume]:
    spacing = np.asarray(series.volume.geometry.spacing_mm)
    i, j, k = (int(n) for n in np.ceil(MARGIN_MM / spacing))
    start, stop = bounding_box(bone.mask.data, (i, j, k))
    return series.volume.crop(start, stop), bone.mask.crop(start, stop)


def _band(mask: Volume) -> Volume:
    """The bone and a band around it."""
    away = ndimage.distance_transform_edt(~mask.data, sampling=mask.geometry.spacing_mm)
    return mask.with_data(away <= BAND_MM)


def _place(image: Any, volume: Volume) -> None:
    image.SetSpacing([float(s) for s in volume.geometry.spacing_mm])
    image.SetOrigin([float(x) for x in volume.geometry.affine[:3, 3]])


@dataclass(frozen=True)
class SimpleItk:
    """Euler 3-D, Mattes mutual information, line search: the best of five settings tried."""

    name: str = "SimpleITK"

    def register(
        self, fixed: Series, moving: Series, bone: Bone, start: RigidTransform
    ) -> RigidTransform:
        """Two levels from the start given."""
        import SimpleITK as sitk  # noqa: N813, PLC0415

        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        crop, mask = _crop(fixed, bone)
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(50)
        method.SetMetricSamplingStrategy(method.RANDOM)
        method.SetMetricSamplingPercentage(0.2, 1)
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsGradientDescentLineSearch(1.0, 60, 1e-5, 8)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel([2, 1])
        method.SetSmoothingSigmasPerLevel([1.0, 0.0])
        method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
        method.SetMetricFixedMask(self._image(sitk, _band(mask), np.uint8))
        first = sitk.Euler3DTransform()
        first.SetCenter(bone.centroid_lps.tolist())
        first.SetMatrix(start.matrix[:3, :3].ravel().tolist(), 1e-5)
        first.SetTranslation((start.apply(bone.centroid_lps) - bone.centroid_lps).tolist())
        method.SetInitialTransform(first, inPlace=True)
        pair = (
            self._image(sitk, crop, np.float32),
            self._image(sitk, moving.volume, np.float32),
        )
        try:
            method.Execute(*pair)
        except RuntimeError:  # it lost the image; the start counts as its answer
            return start
        return _rigid(first.TransformPoint)

    @staticmethod
    def _image(sitk: Any, volume: Volume, dtype: type) -> Any:
        image = sitk.GetImageFromArray(np.ascontiguousarray(volume.data.T.astype(dtype)))
        _place(image, volume)
        image.SetDirection(volume.geometry.directions.ravel().tolist())
        return image


@dataclass(frozen=True)
class ItkElastix:
    """The default rigid map with the settings that did best: three levels, 2048 samples."""

    name: str = "itk-elastix"

    def register(
        self, fixed: Series, moving: Series, bone: Bone, start: RigidTransform
    ) -> RigidTransform:
        """Three levels on a crop, after the moving grid was put where the start says."""
        import itk  # noqa: PLC0415

        crop, mask = _crop(fixed, bone)
        parameters = itk.ParameterObject.New()
        wanted = parameters.GetDefaultParameterMap("rigid", 3)
        wanted["ImageSampler"] = ["RandomCoordinate"]
        wanted["NumberOfSpatialSamples"] = ["2048"]
        wanted["MaximumNumberOfIterations"] = ["120"]
        wanted["AutomaticTransformInitialization"] = ["false"]
        wanted["WriteResultImage"] = ["false"]
        wanted["ErodeMask"] = ["false"]
        wanted["ImagePyramidSchedule"] = ["4", "4", "1", "2", "2", "1", "1", "1", "1"]
        parameters.AddParameterMap(wanted)
        back = start.inverse()
        there = Volume(
            moving.volume.data,
            type(moving.volume.geometry)(
                moving.volume.geometry.shape, back.matrix @ moving.volume.geometry.affine
            ),
        )
        _, found = itk.elastix_registration_method(
            self._image(itk, crop),
            self._image(itk, there),
            parameter_object=parameters,
            fixed_mask=self._image(itk, _band(mask), np.uint8),
            log_to_console=False,
        )
        numbers = [float(x) for x in found.GetParameterMap(0)["TransformParameters"]]
        centre = [float(x) for x in found.GetParameterMap(0)["CenterOfRotationPoint"]]
        motion = itk.Euler3DTransform[itk.D].New()
        motion.SetCenter(centre)
        motion.SetParameters(itk.OptimizerParameters[itk.D](numbers))
        return start @ _rigid(lambda point: tuple(motion.TransformPoint(point)))

    @staticmethod
    def _image(itk: Any, volume: Volume, dtype: type = np.float32) -> Any:
        image = itk.image_from_array(np.ascontiguousarray(volume.data.T.astype(dtype)))
        _place(image, volume)
        image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(volume.geometry.directions)))
        return image


def _rigid(moved: Callable[[list[float]], Sequence[float]]) -> RigidTransform:
    """The matrix of a rigid motion, from where it puts four points."""
    origin = np.asarray(moved([0.0, 0.0, 0.0]))
    matrix = np.eye(4)
    matrix[:3, 3] = origin
    matrix[:3, :3] = np.stack([np.asarray(moved(row)) - origin for row in np.eye(3).tolist()], 1)
    return RigidTransform(matrix)
