"""Builds: thin edges over the services by which pages and commands ask for them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from studies.api.research.base import ResearchView, conflict
from studies.api.research.build_serializers import (
    BuildDetailSerializer,
    BuildPage,
    BuildRetry,
    BuildSerializer,
    BuildsQuery,
    BuildStart,
    LogQuery,
    LogSerializer,
    ProgressSerializer,
)
from studies.builds.asking import BuildError, build_cancel, build_queue, build_retry
from studies.builds.configs import ConfigError
from studies.builds.selectors import build_for, build_progress, builds_for
from studies.dashboard.build_forms import plain_name
from studies.models import Build

REFUSED = "build_refused"


class BuildsView(ResearchView):
    @extend_schema(operation_id="builds_list", parameters=[BuildsQuery], responses=BuildPage)
    def get(self, request: Request) -> Response:
        """Your builds, the newest first; admins see everyone's."""
        query = self.query(request, BuildsQuery)
        builds = builds_for(self.user(request))
        if "state" in query:
            builds = builds.filter(state=query["state"])
        return self.list(request, builds, query, BuildSerializer)

    @extend_schema(operation_id="builds_start", request=BuildStart, responses={201: BuildDetailSerializer})
    def post(self, request: Request) -> Response:
        """Start a build. 400 names everything that is wrong with the config.

        409 (`build_refused`): the study's slug is taken, or a build of it is under way.
        """
        body = BuildStart(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            build = build_queue(
                owner=self.user(request),
                text=body.validated_data["config"],
                file_name=plain_name(body.validated_data["file_name"]),
            )
        except ConfigError as error:
            raise _refused(error) from error
        except BuildError as error:
            return conflict(error, REFUSED)
        return Response(_shown(build), status=status.HTTP_201_CREATED)


class BuildView(ResearchView):
    @extend_schema(operation_id="builds_get", responses=BuildDetailSerializer)
    def get(self, request: Request, key: UUID) -> Response:
        """One build, and how far it is."""
        return Response(_shown(build_for(self.user(request), key)))


class BuildCancelView(ResearchView):
    @extend_schema(operation_id="builds_cancel", request=None, responses=BuildDetailSerializer)
    def post(self, request: Request, key: UUID) -> Response:
        """Cancel a build. What is finished is kept. 409 (`build_refused`): it has ended."""
        build = build_for(self.user(request), key)
        try:
            return Response(_shown(build_cancel(build=build, actor=self.user(request))))
        except BuildError as error:
            return conflict(error, REFUSED)


class BuildRetryView(ResearchView):
    @extend_schema(operation_id="builds_retry", request=BuildRetry, responses=BuildDetailSerializer)
    def post(self, request: Request, key: UUID) -> Response:
        """Go on with a build that failed or was cancelled, from what is finished. 409 (`build_refused`): it did not."""
        build = build_for(self.user(request), key)
        body = BuildRetry(data=request.data)
        body.is_valid(raise_exception=True)
        text = body.validated_data.get("config")
        try:
            return Response(_shown(build_retry(build=build, actor=self.user(request), text=text)))
        except ConfigError as error:
            raise _refused(error) from error
        except BuildError as error:
            return conflict(error, REFUSED)


class BuildLogView(ResearchView):
    @extend_schema(operation_id="builds_log", parameters=[LogQuery], responses=LogSerializer)
    def get(self, request: Request, key: UUID) -> Response:
        """The last lines of a build's log; ask again with `after` of the last line for what was written since."""
        query = self.query(request, LogQuery)
        build = build_for(self.user(request), key)
        return Response(LogSerializer({"lines": build.lines.filter(pk__gt=query["after"]).order_by("pk")}).data)


def _refused(error: ConfigError) -> ValidationError:
    return ValidationError({"config": str(error).splitlines()})


def _shown(build: Build) -> dict[str, Any]:
    found = Build.objects.select_related("owner", "study").get(pk=build.pk)
    return {
        **BuildSerializer(found).data,
        "config": found.config,
        "file_name": found.file_name,
        "manifest": found.manifest,
        "progress": ProgressSerializer(build_progress(found)).data,
    }
