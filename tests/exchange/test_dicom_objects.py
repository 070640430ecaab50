"""Every object of a whole result: what it says, what it names, whom it tells of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from marrowtrail.errors import InputError, Severity
from marrowtrail.exchange.dicom.confirmation import PROPOSED, Readers
from marrowtrail.exchange.dicom.files import dicom_files
from marrowtrail.exchange.dicom.form import DicomForm
from marrowtrail.exchange.dicom.planes import dicom_cautions
from marrowtrail.follow_up.proposals import SIGN_FINDINGS
from marrowtrail.lesions.lesion import SignKind
from marrowtrail.record.findings import Finding, FindingState
from marrowtrail.record.merge import ACCEPTED_BY_OPTION
from marrowtrail.record.sites import Side, Site
from marrowtrail.result.model import Result, WarningRow
from tests.exchange.made_dicom import (
    FIRST_TRACK,
    PDF,
    complaints,
    made,
    parsed,
    plain,
    series_uid,
    without_dates,
)

VISITS = ("v1", "v2", "v3")
SECRETS = ("Secret", "Sally", "XQ77310", "19780101", "ACC4711", "Hyde", "1.2.826")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dicom_files(plain(), pdf=PDF)


@pytest.fixture(scope="module")
def pseudonymous() -> dict[str, bytes]:
    return dicom_files(plain(), DicomForm(pseudonymous=True), pdf=PDF)


def items(node: Dataset) -> Iterator[Dataset]:
    """Every content item below a node."""
    for one in node.get("ContentSequence", ()):
        yield one
        yield from items(one)


def name(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


def comments(node: Dataset) -> str:
    texts = (one.TextValue for one in items(node) if one.ValueType == "TEXT")
    return " ".join(texts)


def groups(report: bytes) -> list[Dataset]:
    return [one for one in items(parsed(report)) if name(one) == "Measurement Group"]


def first(group: Dataset, wanted: str) -> Dataset:
    return next(one for one in group.ContentSequence if name(one) == wanted)


def tracking(group: Dataset) -> str:
    return str(first(group, "Tracking Unique Identifier").UID)


class TestWhatIsWritten:
    def test_names(self, files) -> None:
        oedema = {"v1-s1-oedema.dcm", "v2-s1-oedema.dcm", "v3-s3-oedema.dcm"}
        reports = {f"{visit}-report.dcm" for visit in VISITS} | {"report-pdf.dcm"}
        bones = {f"{one.series_id}-bones.dcm" for one in plain().bone_maps}
        assert set(files) == oedema | reports | bones

    def test_each_keeps_the_standard(self, files, pseudonymous, tmp_path: Path) -> None:
        for written in (files, pseudonymous):
            for file, content in written.items():
                assert complaints(content, tmp_path) == [], file

    def test_the_check_finds_what_breaks_it(self, files, tmp_path: Path) -> None:
        broken = files["report-pdf.dcm"].replace(b"UNVERIFIED", b"UNTESTED__")
        assert complaints(broken, tmp_path)

    def test_the_same_again_and_other_names_for_what_differs(self, files) -> None:
        assert dicom_files(made(), pdf=PDF) == files
        other = dicom_files(made(PatientName="Other^Name"), pdf=PDF)
        for file, content in other.items():
            assert content != files[file]
            assert parsed(content).SOPInstanceUID != parsed(files[file]).SOPInstanceUID

    def test_every_uid_is_its_own(self, files) -> None:
        written = [parsed(content) for content in files.values()]
        assert len({one.SOPInstanceUID for one in written}) == len(written)
        assert len({one.SeriesInstanceUID for one in written}) == len(written)
        for one in written:
            assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID

    def test_patient_and_study_are_those_of_the_source(self, files) -> None:
        for file, content in files.items():
            one = parsed(content)
            assert (one.PatientName, one.PatientID) == ("Secret^Sally", "XQ77310"), file
            assert (one.PatientBirthDate, one.AccessionNumber) == ("19780101", "ACC4711")
        knee, ankle = (parsed(files[f"v3-{one}-bones.dcm"]) for one in ("s1", "s3"))
        assert knee.StudyInstanceUID != ankle.StudyInstanceUID
        assert (knee.StudyDescription, ankle.StudyDescription) == ("MR knee", "MR ankle")
        assert knee.FrameOfReferenceUID == ankle.FrameOfReferenceUID

    def test_no_clock(self, files) -> None:
        for content in files.values():
            one = parsed(content)
            assert one.ContentDate == one.StudyDate
            assert one.ContentTime == "103000"
            assert "InstanceCreationDate" not in one


class TestSegmentations:
    def test_voxels_names_and_life(self, files) -> None:
        result = plain()
        for lesion in result.lesions:
            data = parsed(files[f"{lesion.series_id}-oedema.dcm"])
            read = hd.seg.Segmentation.from_dataset(data)
            (segment,) = read.SegmentSequence
            assert segment.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Edema"
            region = segment.AnatomicRegionSequence[0]
            assert region.CodeMeaning.lower() == lesion.bone.bone
            assert region.AnatomicRegionModifierSequence[0].CodeMeaning == "Right"
            row = next(one for one in result.document.lesions if one.id == lesion.id)
            assert segment.TrackingUID == row.tracking_uid
            assert segment.SegmentAlgorithmType == "AUTOMATIC"
            assert "not confirmed by a reader" in segment.SegmentDescription
            assert np.count_nonzero(data.pixel_array) == np.count_nonzero(lesion.mask.data)
            assert read.ReferencedSeriesSequence[0].SeriesInstanceUID == series_uid(
                next(
                    one
                    for visit in result.study.visits
                    for one in visit.series
                    if one.id == lesion.series_id
                )
            )

    def test_bones_that_were_handed_in_are_nobody_s_algorithm(self, files) -> None:
        for segment in parsed(files["v1-s1-bones.dcm"]).SegmentSequence:
            assert segment.SegmentAlgorithmType == "MANUAL"
            assert "TrackingUID" not in segment


class TestReports:
    def test_a_lesion_has_one_name_at_every_visit_and_in_its_segment(self, files) -> None:
        seen = []
        for visit, series in (("v1", "s1"), ("v2", "s1")):
            group = groups(files[f"{visit}-report.dcm"])[0]
            (segment,) = parsed(files[f"{visit}-{series}-oedema.dcm"]).SegmentSequence
            life = tracking(group)
            said = str(first(group, "Tracking Identifier").TextValue)
            assert (life, said) == (segment.TrackingUID, segment.TrackingID)
            seen.append((life, said))
        assert seen[0] == seen[1]
        assert seen[0][0] == FIRST_TRACK
        third = groups(files["v3-report.dcm"])[0]
        assert tracking(third) != FIRST_TRACK

    def test_volume_interval_site_and_segment(self, files) -> None:
        row = plain().document.lesions[0]
        (group,) = (one for one in groups(files["v1-report.dcm"]) if tracking(one) == FIRST_TRACK)
        volume = first(group, "Volume")
        assert float(volume.MeasuredValueSequence[0].NumericValue) == row.volume_mm3
        above, below = (
            float(one.MeasuredValueSequence[0].NumericValue) for one in volume.ContentSequence
        )
        assert above == pytest.approx(row.volume_high_mm3 - row.volume_mm3, abs=0.06)
        assert below == pytest.approx(row.volume_mm3 - row.volume_low_mm3, abs=0.06)
        for one in (volume, *volume.ContentSequence):
            unit = one.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0]
            assert unit.CodeValue == "mm3"
        sites = [one for one in group.ContentSequence if name(one) == "Finding Site"]
        coded = [one.ConceptCodeSequence[0].CodeMeaning for one in sites]
        assert coded == ["Femur", "medial condyle of femur"]
        for site in sites:
            assert site.ContentSequence[0].ConceptCodeSequence[0].CodeMeaning == "Right"
        named = first(group, "Referenced Segment").ReferencedSOPSequence[0]
        segmentation = parsed(files["v1-s1-oedema.dcm"])
        assert named.ReferencedSOPInstanceUID == segmentation.SOPInstanceUID
        assert named.ReferencedSegmentNumber == 1
        slices = {
            one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            for one in group.ContentSequence
            if name(one) == "Source Image for Segmentation"
        }
        mask = np.asarray(plain().lesions[0].mask.data)
        assert len(slices) == np.count_nonzero(mask.any(axis=(0, 1)))

    def test_signs_have_their_state_and_reason(self, files) -> None:
        states = {
            comments(one): first(one, "Presence of property").ConceptCodeSequence[0].CodeMeaning
            for one in groups(files["v1-report.dcm"])
        }
        line = next(text for text in states if "No dark line under the surface" in text)
        band = next(text for text in states if "4 mm thick could hide a thin line" in text)
        assert (states[line], states[band]) == ("Absent", "Not Evaluated")
        assert "not confirmed by a reader" in line

    def test_a_bone_that_is_clear_and_one_that_was_not_read(self) -> None:
        result = plain()
        readings = tuple(
            replace(one, is_read=False, reason="no fat-suppressed series")
            if one.visit_id == "v2" and not one.lesions
            else one
            for one in result.readings
        )
        files = dicom_files(replace(result, readings=readings))
        for visit, code, words in (
            ("v1", "Absent", "none seen"),
            ("v2", "Not Evaluated", "not assessed; no fat-suppressed series"),
        ):
            (group,) = (
                one for one in groups(files[f"{visit}-report.dcm"]) if words in comments(one)
            )
            said = first(group, "Presence of property").ConceptCodeSequence[0]
            assert said.CodeMeaning == code

    def test_it_says_what_every_output_says(self, files) -> None:
        text = comments(parsed(files["v1-report.dcm"]))
        assert "Research use only" in text
        assert plain().document.provenance.program_version in text
        for limit in plain().document.provenance.known_limits:
            assert limit in text
        assert "Synthetic" not in text
        one = parsed(files["v1-report.dcm"])
        assert (one.VerificationFlag, one.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")

    def test_a_warning_stands_at_its_own_visit(self) -> None:
        result = plain()
        warning = WarningRow(
            code="x", severity="note", what="Motion.", where="v10, series 1", remedy=""
        )
        document = result.document.model_copy(update={"warnings": (warning,)})
        here = document.model_copy(
            update={"warnings": (warning.model_copy(update={"where": "v1, series 1"}),)}
        )
        for one, there in ((document, False), (here, True)):
            report = dicom_files(replace(result, document=one))["v1-report.dcm"]
            assert ("Motion." in comments(parsed(report))) == there

    def test_the_library_reads_it_as_a_measurement_report(self, files) -> None:
        report = hd.sr.Comprehensive3DSR.from_dataset(parsed(files["v1-report.dcm"]))
        (found,) = report.content.get_volumetric_roi_measurement_groups(tracking_uid=FIRST_TRACK)
        assert found.finding_type == codes.SCT.Edema
        evidence = {uids[2] for uids in report.get_evidence()}
        images = {
            one.sop_instance_uid
            for series in plain().study.visits[0].series
            for one in series.source.images
        }
        assert images <= evidence
        assert parsed(files["v1-s1-oedema.dcm"]).SOPInstanceUID in evidence

    def test_synthetic_images_are_called_so(self) -> None:
        result = plain()
        synthetic = replace(
            result, document=result.document.model_copy(update={"is_synthetic": True})
        )
        for file, content in dicom_files(synthetic).items():
            assert "SYNTHETIC" in parsed(content).SeriesDescription, file


class TestReaders:
    FINDING = Finding(
        "bme_present",
        FindingState.PRESENT,
        Site("femur", Side.RIGHT, "medial_condyle"),
        plain().study.visits[0].date,
        explanation="as drawn",
        entered_by="software",
        confirmed_by="Dr Jekyll",
    )

    def said(self, *findings: Finding, form: DicomForm | None = None) -> tuple[str, str]:
        """Of the lesion, in its report (its code first) and in its segment."""
        written = dicom_files(made(findings), form)
        group = groups(written["v1-report.dcm"])[0]
        (segment,) = parsed(written["v1-s1-oedema.dcm"]).SegmentSequence
        code = first(group, "Presence of property").ConceptCodeSequence[0].CodeMeaning
        return f"{code}: {comments(group)}", str(segment.SegmentDescription)

    def test_confirmed(self) -> None:
        for text in self.said(self.FINDING):
            assert "Confirmed by Dr Jekyll: present. as drawn" in text
            assert "not confirmed" not in text

    def test_who_it_was_is_not_told_under_a_pseudonym(self) -> None:
        for text in self.said(self.FINDING, form=DicomForm(pseudonymous=True)):
            assert "Confirmed by a reader: present" in text

    def test_contradicted(self) -> None:
        report, segment = self.said(replace(self.FINDING, state=FindingState.ABSENT))
        assert report.startswith("Absent: ")
        for text in (report, segment):
            assert "Confirmed by Dr Jekyll: absent" in text

    def test_what_else_a_reader_saw(self) -> None:
        seen = replace(self.FINDING, key="effusion", site=None, confirmed_by=None)
        for entered_by, there in (("reader", True), ("software", False)):
            written = dicom_files(made([replace(seen, entered_by=entered_by)]))
            text = comments(parsed(written["v1-report.dcm"]))
            assert ("Joint effusion. By a reader: present." in text) == there
            assert "effusion" not in comments(parsed(written["v2-report.dcm"]))

    def test_what_people_wrote_stays_out_under_a_pseudonym(self) -> None:
        own = replace(self.FINDING, entered_by="reader", explanation="Mrs Planted says")
        assert all("Planted" in text for text in self.said(own))
        for text in self.said(own, form=DicomForm(pseudonymous=True)):
            assert "Confirmed by a reader: present." in text
            assert "Planted" not in text

    def test_what_an_option_accepted_was_read_by_nobody(self) -> None:
        accepted = replace(self.FINDING, confirmed_by=ACCEPTED_BY_OPTION)
        for form in (DicomForm(), DicomForm(pseudonymous=True)):
            for text in self.said(accepted, form=form):
                assert "Accepted by option, read by nobody: present" in text
                assert "Confirmed" not in text

    @pytest.mark.parametrize(
        ("state", "of_area", "of_finding"),
        [
            (FindingState.PRESENT, FindingState.PRESENT, False),
            (FindingState.ABSENT, None, True),
            (FindingState.EQUIVOCAL, None, True),
        ],
    )
    def test_no_large_area_is_not_no_area(self, state, of_area, of_finding: bool) -> None:
        visit = plain().study.visits[0]
        site = Site("femur", Side.RIGHT)
        large = Finding(SIGN_FINDINGS[SignKind.LOW_SIGNAL_AREA], state, site, visit.date)
        readers = Readers.of([large], visit, hide_names=False)
        sign = (
            plain()
            .document.signs[0]
            .model_copy(
                update={"kind": SignKind.LOW_SIGNAL_AREA, "bone": "femur", "side": Side.RIGHT}
            )
        )
        said = readers.on_sign(sign)
        assert said.state == of_area
        assert (said.words == PROPOSED) == of_finding
        assert (readers.others == (large,)) == of_finding

    @pytest.mark.parametrize(
        ("state", "region", "of_bone"),
        [
            (FindingState.ABSENT, "medial_condyle", None),
            (FindingState.ABSENT, None, FindingState.ABSENT),
            (FindingState.PRESENT, "medial_condyle", FindingState.PRESENT),
        ],
    )
    def test_a_clear_part_does_not_clear_the_bone(self, state, region, of_bone) -> None:
        site = Site("femur", Side.RIGHT, region)
        one = replace(self.FINDING, state=state, site=site)
        readers = Readers.of([one], plain().study.visits[0], hide_names=False)
        said = readers.on_clear_bone("femur", Side.RIGHT)
        assert said.state == of_bone
        assert "Confirmed by Dr Jekyll" in said.words

    @pytest.mark.parametrize(
        "changes",
        [
            {"confirmed_by": None},
            {"site": Site("femur", Side.RIGHT, "lateral_condyle")},
            {"site": Site("femur", Side.LEFT, "medial_condyle")},
            {"site": Site("tibia", Side.RIGHT)},
            {"visit": plain().study.visits[1].date},
        ],
    )
    def test_what_is_said_elsewhere_confirms_nothing(self, changes) -> None:
        other = replace(self.FINDING, state=FindingState.ABSENT, **changes)
        report, segment = self.said(other)
        assert report.startswith("Present: ")
        for text in (report, segment):
            assert "not confirmed by a reader" in text


class TestPseudonym:
    def test_nothing_identifies(self, files, pseudonymous) -> None:
        assert any(secret.encode() in files["v1-report.dcm"] for secret in SECRETS)
        for file, content in pseudonymous.items():
            for secret in SECRETS:
                assert secret.encode() not in content.replace(b"1.2.826.0.1.3680043.9.7433", b""), (
                    file,
                    secret,
                )

    def test_it_is_the_same_everywhere_and_with_a_visit_more(self, pseudonymous) -> None:
        people = {str(parsed(one).PatientID) for one in pseudonymous.values()}
        assert len(people) == 1
        result = plain()
        fewer = replace(result, study=replace(result.study, visits=result.study.visits[:1]))
        alone = dicom_files(fewer, DicomForm(pseudonymous=True))
        assert {str(parsed(one).PatientID) for one in alone.values()} == people
        before, after = (parsed(one["v1-s1-bones.dcm"]) for one in (alone, pseudonymous))
        assert before.StudyInstanceUID == after.StudyInstanceUID
        assert before.ReferencedSeriesSequence == after.ReferencedSeriesSequence

    def test_references_still_meet(self, files, pseudonymous) -> None:
        segmentation = parsed(pseudonymous["v1-s1-oedema.dcm"])
        report = hd.sr.Comprehensive3DSR.from_dataset(parsed(pseudonymous["v1-report.dcm"]))
        evidence = {uids[2] for uids in report.get_evidence()}
        (series,) = segmentation.ReferencedSeriesSequence
        named = {one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence}
        assert named | {segmentation.SOPInstanceUID} <= evidence
        lives = {tracking(one) for one in groups(pseudonymous["v1-report.dcm"])}
        assert FIRST_TRACK in lives
        assert parsed(files["v1-s1-oedema.dcm"]).pixel_array.tobytes() == (
            segmentation.pixel_array.tobytes()
        )

    def test_dates_stay_unless_they_are_not_told(self, pseudonymous) -> None:
        result = plain()
        days = [one.date for one in result.study.visits]
        written = [parsed(pseudonymous[f"{visit}-report.dcm"]) for visit in VISITS]
        assert [one.StudyDate for one in written] == [f"{day:%Y%m%d}" for day in days]
        undated = dicom_files(without_dates(result), DicomForm(pseudonymous=True))
        moved = [parsed(undated[f"{visit}-report.dcm"]) for visit in VISITS]
        start = days[0] - timedelta(days=(days[0] - _day(moved[0].StudyDate)).days)
        assert [_day(one.StudyDate) - start for one in moved] == [day - days[0] for day in days]
        assert [one.ContentDate for one in moved] == [one.StudyDate for one in moved]
        for content in undated.values():
            assert not any(f"{day:%Y%m%d}".encode() in content for day in days)
        as_source = dicom_files(without_dates(result), pdf=PDF)
        assert parsed(as_source["v1-report.dcm"]).StudyDate == f"{days[0]:%Y%m%d}"


def _day(text: str):
    from datetime import datetime

    return datetime.strptime(text, "%Y%m%d").date()


class TestDocument:
    def test_the_bytes_come_back(self, files) -> None:
        one = parsed(files["report-pdf.dcm"])
        assert one.EncapsulatedDocument[: one.EncapsulatedDocumentLength] == PDF
        assert one.MIMETypeOfEncapsulatedDocument == "application/pdf"
        assert one.BurnedInAnnotation == "NO"
        assert one.StudyInstanceUID == parsed(files["v3-report.dcm"]).StudyInstanceUID

    def test_what_is_no_pdf_is_refused(self) -> None:
        with pytest.raises(InputError, match="Expected a PDF"):
            dicom_files(plain(), pdf=b"<html>")


class TestOddPatients:
    BARE = dict.fromkeys(
        ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "StudyDate")
        + ("StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName", "ContentDate")
    )

    def test_headers_without_patient_data(self, tmp_path: Path) -> None:
        result = made(**self.BARE)
        files = dicom_files(result, pdf=PDF)
        assert len(files) == len(dicom_files(plain(), pdf=PDF))
        for content in files.values():
            one = parsed(content)
            assert one.PatientID == one.PatientName == one.StudyDate == ""
            assert _day(one.ContentDate) in {visit.date for visit in result.study.visits}
            # An index of a medium cannot list what the source does not say; that is all.
            for said in complaints(content, tmp_path):
                assert "needed to build DICOMDIR" in said

    def test_values_that_break_their_form_are_not_passed_on(self, tmp_path: Path) -> None:
        result = made(
            PatientBirthDate="UNKNOWN",
            PatientSex="male",
            PatientAge="43",
            StudyTime="25:00",
        )
        for content in dicom_files(result, pdf=PDF).values():
            one = parsed(content)
            assert (one.PatientBirthDate, one.PatientSex) == ("", "")
            assert "PatientAge" not in one
            assert [said for said in complaints(content, tmp_path) if "DICOMDIR" not in said] == []

    def test_names_in_other_scripts(self) -> None:
        written = dicom_files(made(PatientName="Müller^Łucja", StudyDescription="膝"))
        for content in written.values():
            one = parsed(content)
            assert str(one.PatientName) == "Müller^Łucja"
            assert one.StudyDescription == "膝"

    def test_nifti_alone_gives_nothing_and_says_so(self) -> None:
        result = plain()
        visits = tuple(
            replace(visit, series=tuple(replace(one, source=None) for one in visit.series))
            for visit in result.study.visits
        )
        nifti = replace(result, study=replace(result.study, visits=visits))
        assert dicom_files(nifti, pdf=PDF) == {}
        said = dicom_cautions(nifti.study)
        assert [one.where for one in said] == list(VISITS)
        assert all("NIfTI" in one.what and one.severity is Severity.NOTE for one in said)
        assert dicom_cautions(result.study) == ()


def test_a_result_without_lesions_has_reports() -> None:
    result = plain()
    readings = tuple(replace(one, lesions=()) for one in result.readings)
    document = result.document.model_copy(update={"lesions": (), "signs": (), "tracks": ()})
    clear: Result = replace(result, readings=readings, document=document)
    files = dicom_files(clear)
    assert not [file for file in files if "oedema" in file]
    for visit in VISITS:
        states = {
            first(one, "Presence of property").ConceptCodeSequence[0].CodeMeaning
            for one in groups(files[f"{visit}-report.dcm"])
        }
        assert states == {"Absent"}
