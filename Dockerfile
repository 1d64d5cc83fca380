# docker build -t lfp .                        the command: docker run --rm -v "$PWD:/data" lfp sim model.toml -o out.h5
# docker build -t lfp-lab --target lab .       Jupyter:     docker run --rm -p 5000:5000 lfp-lab
FROM python:3.12.11-slim-bookworm AS build

RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++=4:12.2.0-3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN python -m venv /opt/lfp \
    && /opt/lfp/bin/pip install --no-cache-dir --constraint constraints.txt '.[mpi]'

FROM python:3.12.11-slim-bookworm AS base

# mechanisms (.mod files) are compiled where they are used
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++=4:12.2.0-3 make=4.3-4.1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 lfp
COPY --from=build /opt/lfp /opt/lfp
ENV PATH=/opt/lfp/bin:$PATH \
    MPLCONFIGDIR=/tmp/matplotlib \
    LFP_MECH_CACHE=/home/lfp/.cache/lfp/mechanisms
USER 1000
WORKDIR /data

FROM base AS lab
USER 0
RUN /opt/lfp/bin/pip install --no-cache-dir jupyterlab==4.4.5 \
    && chown lfp /data
USER 1000
WORKDIR /home/lfp/notebooks
COPY --chown=lfp doc/notebooks/ .
EXPOSE 5000
ENTRYPOINT ["jupyter", "lab", "--ip=0.0.0.0", "--port=5000", "--no-browser"]

# the last stage is what `docker build .` makes
FROM base AS lfp
ENTRYPOINT ["lfp"]
CMD ["--help"]
