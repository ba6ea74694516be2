"""The agreement report for programs."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from studies.api.research.base import ResearchView, conflict


class ReportView(ResearchView):
    @extend_schema(operation_id="report_get", responses={200: OpenApiTypes.OBJECT, 409: OpenApiTypes.OBJECT})
    def get(self, request: Request, slug: str) -> HttpResponse | Response:
        """The agreement report as the answers are now; its fields are described in docs/report.md.

        409: nobody has answered yet (`no_responses`), or the answers do not fit the study (`unfit`).
        """
        # Imported when a report is asked for, as in analysis.views.
        from analysis.measures.judgements import FrameError
        from analysis.reports import NoResponsesError
        from analysis.study_report import CONTENT_TYPES, REPORT_JSON, study_report

        study = self.study(request, slug)
        try:
            content = study_report(study).file(REPORT_JSON)
        except NoResponsesError as error:
            return conflict(error, "no_responses")
        except FrameError as error:
            return conflict(error, "unfit")
        return HttpResponse(content, content_type=CONTENT_TYPES[REPORT_JSON])
