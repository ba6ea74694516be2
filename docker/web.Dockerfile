# The web side: Django under gunicorn, without torch.

FROM node:22-slim AS browser-packages
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-progress

FROM python:3.11-slim
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY constraints.txt requirements-web.txt ./
RUN pip install --no-cache-dir -r requirements-web.txt

COPY --from=browser-packages /build/node_modules ./node_modules
COPY manage.py ./
COPY harmony_app ./harmony_app
COPY studies ./studies
COPY analysis ./analysis
COPY templates ./templates
COPY static ./static
COPY fixtures ./fixtures
COPY docker/healthy.py ./docker/healthy.py

# The server runs as a user of its own; it writes nowhere but in /media and /data.
RUN useradd --system --no-create-home harmony && mkdir /media /data && chown harmony /media /data
ENV STATIC_ROOT=/app/collected MEDIA_ROOT=/media HARMONY_DATA_DIR=/data
RUN SECRET_KEY=only-for-collecting HARMONY_DATA_DIR=/tmp/collecting python manage.py collectstatic --noinput \
    && rm -r /tmp/collecting

USER harmony
EXPOSE 8000
CMD ["gunicorn", "harmony_app.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--keep-alive", "30", \
     "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-"]
