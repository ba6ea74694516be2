# The web side: Django under gunicorn, and its worker and beat, without torch.

FROM node:22.17-bookworm-slim AS browser-packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-progress

FROM python:3.11.13-slim-bookworm
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY constraints.txt requirements-web.txt ./
RUN pip install --no-cache-dir -r requirements-web.txt

COPY --from=browser-packages /build/node_modules ./node_modules
COPY manage.py gunicorn.conf.py pyproject.toml ./
COPY harmony_app ./harmony_app
COPY studies ./studies
COPY analysis ./analysis
# Of the offline module the web side reads run configs and the storage of builds; the rest does nothing without torch.
COPY attribution ./attribution
COPY templates ./templates
COPY static ./static
COPY locale ./locale
COPY fixtures ./fixtures
COPY examples ./examples
COPY docker/healthy.py ./docker/healthy.py

# The server runs as a user of its own, the same number as in the image of the GPU worker, with which it shares files. It
# writes nowhere but in /media, /data, /builds and /tmp.
RUN useradd --system --uid 10001 --user-group --no-create-home harmony \
    && mkdir -p /media /data /builds \
    && chown harmony:harmony /media /data /builds
ENV STATIC_ROOT=/app/collected MEDIA_ROOT=/media HARMONY_DATA_DIR=/data
RUN SECRET_KEY=only-for-collecting HARMONY_DATA_DIR=/tmp/collecting python manage.py collectstatic --noinput \
    && rm -r /tmp/collecting

USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "harmony_app.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--keep-alive", "30", \
     "--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
