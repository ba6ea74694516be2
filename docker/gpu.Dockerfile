# The offline module with torch, as a Celery worker. torch's wheels bring their own CUDA libraries; the host brings the
# driver and the NVIDIA container toolkit.

FROM python:3.11.13-slim-bookworm
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
# OpenMP, for torch on the CPU. Its version comes with the release of Debian that the tag above names.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY constraints.txt requirements.txt requirements-web.txt ./
RUN pip install --no-cache-dir -r requirements.txt

COPY attribution ./attribution
COPY examples ./examples

RUN useradd --system --uid 10001 --user-group --create-home harmony \
    && mkdir /builds /scratch /datasets \
    && chown harmony:harmony /builds /scratch
# Caches of torch and others, below the only folder of its own that it may write in.
ENV HARMONY_WORK_DIR=/scratch HARMONY_DATASETS=/datasets XDG_CACHE_HOME=/scratch/cache TORCH_HOME=/scratch/cache/torch
USER 10001:10001
CMD ["celery", "--app", "attribution.worker", "worker", "--queues", "gpu", "--hostname", "gpu@%h"]
