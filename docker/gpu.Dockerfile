# The offline module with torch, as a Celery worker. torch's wheels bring their own CUDA libraries; the host brings the
# driver and the NVIDIA container toolkit.

FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
# OpenMP, for torch on the CPU.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY constraints.txt requirements.txt requirements-web.txt ./
RUN pip install --no-cache-dir -r requirements.txt

COPY attribution ./attribution
COPY examples ./examples

RUN useradd --system --create-home harmony && mkdir /runs && chown harmony /runs
USER harmony
CMD ["celery", "--app", "attribution.worker", "worker", "--hostname", "gpu@%h", "--loglevel", "INFO"]
