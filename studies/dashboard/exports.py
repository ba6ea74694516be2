"""Downloads of a study's answers, for those who run it. By POST, since each is written into the log."""

from typing import cast

from django.http import Http404, HttpRequest, StreamingHttpResponse

from studies.dashboard.pages import study_change
from studies.exports.files import FILES
from studies.models import Study, User
from studies.services.audit import audit_write


@study_change(of_archived=True)
def download(request: HttpRequest, study: Study, name: str) -> StreamingHttpResponse:
    """Send one of the files of `FILES`, while it is being read."""
    file = FILES.get(name)
    if file is None:
        raise Http404(f"there is no such file (known: {', '.join(FILES)})")
    audit_write(study=study, actor=cast(User, request.user), action="export", detail={"file": name})
    headers = {"Content-Disposition": f'attachment; filename="{study.slug}-{name}"'}
    return StreamingHttpResponse(file.chunks(study), content_type=file.content_type, headers=headers)
