# One image for every model: docker buildx build --build-arg MODEL=iris . (or: make image MODEL=iris)

# The Python that trains and serves: the stage of that name, or another image.
ARG PYTHON_IMAGE=pinned
# What the bundle runs on, onnx or joblib: the pipeline reads it from the bundle's manifest.
ARG RUNTIME=onnx

# By digest, so that equal inputs give equal images; a stage, because Dependabot moves no ARG.
FROM python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS pinned

# Where the models' folders are, to replace it: --build-context models=DIRECTORY. Each stage below takes
# the folder of its one model.
FROM scratch AS models
COPY model/ /

FROM ${PYTHON_IMAGE} AS base
# One thread and one hash seed, so that sums and orders are the same in every build; and onnxruntime
# must neither keep a database in the user's home nor report to its maker.
ENV OMP_NUM_THREADS=1 PYTHONHASHSEED=0 PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1

# The lock of the packages that this model alone needs, if it has one, and what reads it.
FROM scratch AS lock
ARG MODEL
COPY contract/__init__.py contract/errors.py contract/packages.py /lock/contract/
COPY --from=models ${MODEL}/requirements.tx[t] /lock/

# Training libraries stay in a stage of their own: no edit of code or data installs them again. Their
# tests go: they hold public tables, of which a model may have to answer rows that it was not given.
FROM base AS train-packages
RUN --mount=type=bind,source=requirements-train.txt,target=/tmp/requirements.txt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --quiet --root-user-action=ignore --require-hashes --only-binary=:all: \
      --target=/opt/packages --requirement=/tmp/requirements.txt \
    && find /opt/packages -depth -type d -name tests -exec rm -rf {} + \
    && rm -rf /opt/packages/onnxruntime/datasets

# What the model's own lock adds to them, in a layer of this model alone. LightGBM and others look for
# the distribution's OpenMP, which the base has not: they get the one that scikit-learn's wheel brings,
# so that there is one in the process.
FROM train-packages AS own-packages
WORKDIR /lock
COPY --from=lock /lock/ ./
RUN --mount=type=bind,source=requirements-train.txt,target=/tmp/shared.txt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.cache/pip \
    mkdir -p /opt/own/lib \
    && python -m contract.packages requirements.txt /tmp/shared.txt >/tmp/own.txt \
    && python -m pip install --quiet --root-user-action=ignore --require-hashes --only-binary=:all: \
      --no-deps --target=/opt/own --requirement=/tmp/own.txt \
    && find /opt/own -depth -type d -name tests -exec rm -rf {} + \
    && ln -s /opt/packages/scikit_learn.libs/libgomp*.so* /opt/own/lib/libgomp.so.1

# The code that trains and judges, and nothing else, so that an edit of serving code or of another model
# does not train this one again.
FROM train-packages AS training
WORKDIR /app
COPY contract/ contract/
COPY train/ train/
ENV PYTHONPATH=/app:/opt/packages OPENBLAS_NUM_THREADS=1
# Bytecode, of the standard library too, which the base image does not carry: once, and not at each step.
RUN python -c "import train.steps.ask, train.steps.fit, train.steps.question, train.steps.rows, train.steps.score"

# The modules that the model shares with others, to replace it: --build-context shared=DIRECTORY.
FROM scratch AS shared

# The rows are split before any code of the model is there to see them.
FROM training AS rows
ARG MODEL
COPY --from=models ${MODEL}/ model/${MODEL}/
RUN --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=secret,id=data,target=/run/secrets/data \
    python -m train "${MODEL}" --step rows --out /rows

# Whether the data can be had here: a bundle trained elsewhere (BUNDLE=) is asked again only if it can.
FROM training AS reach
ARG MODEL
COPY --from=models ${MODEL}/ model/${MODEL}/
RUN --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=secret,id=data,target=/run/secrets/data \
    python -m train "${MODEL}" --step reach --out /reach
FROM scratch AS reached
COPY --from=reach /reach/ /

# The model's folder without its data: all that its code sees of it.
FROM training AS estimator
ARG MODEL
COPY --from=own-packages /opt/own/ /opt/packages/
ENV LD_LIBRARY_PATH=/opt/packages/lib
COPY --from=rows /rows/folder/ model/${MODEL}/
COPY --from=shared / model/

# The model's code fits to the training rows. It reaches no network, and not scikit-learn's own tables,
# in either of which the rows that are held out may be.
FROM estimator AS trainer
COPY --from=rows /rows/training.arrow /rows/
RUN --network=none --mount=type=tmpfs,target=/opt/packages/sklearn/datasets/data \
    python -m train "${MODEL}" --step fit --rows /rows --out /export

# The exported model alone, to replace it: --build-context export=DIRECTORY.
FROM scratch AS export
COPY --from=trainer /export/ /

# The exported model, and nothing else that the training left, is asked for the rows that were held
# out, without their truth, and for synthetic rows. A pickle's code runs here.
FROM estimator AS answers
COPY --from=rows /rows/questions.arrow /rows/examples.arrow /rows/
COPY --from=export / /export/
RUN --network=none --mount=type=tmpfs,target=/opt/packages/sklearn/datasets/data \
    python -m train "${MODEL}" --step ask --rows /rows --export /export --out /answers

# What the model's own metrics have to score: the answers, with the truth, and no features.
FROM training AS question
ARG MODEL
COPY --from=rows /rows/folder/model.toml /rows/folder/README.md /rows/folder/metrics.p[y] model/${MODEL}/
COPY --from=rows /rows/training.arrow /rows/holdout.arrow /rows/examples.arrow /rows/
COPY --from=export / /export/
COPY --from=answers /answers/ /answers/
RUN --network=none python -m train "${MODEL}" --step question \
    --rows /rows --export /export --answers /answers --out /asked

# The same alone, to replace it by what a comparison has to score: --build-context asked=DIRECTORY.
FROM scratch AS asked
COPY --from=question /asked/ /

# The model's own metrics run once all answers are recorded, and what they compute is a claim.
FROM training AS scorer
ARG MODEL
COPY --from=own-packages /opt/own/ /opt/packages/
ENV LD_LIBRARY_PATH=/opt/packages/lib
COPY --from=models ${MODEL}/model.toml ${MODEL}/README.md ${MODEL}/*.py model/${MODEL}/
COPY --from=shared / model/
COPY --from=asked / /asked/
RUN --network=none python -m train "${MODEL}" --step score --asked /asked --out /scored

# Their values alone, to export them.
FROM scratch AS scored
COPY --from=scorer /scored/ /

# The answers are judged by the truth, where no code of the model ever runs: of metrics.py the names
# are read. A failed gate is recorded in the bundle, which no later stage accepts; what it was judged by
# is not lost. Here model.toml has its [accept], which the manifest repeats and no earlier stage sees.
FROM training AS judged
ARG MODEL
COPY --from=models ${MODEL}/model.toml ${MODEL}/README.md ${MODEL}/metrics.p[y] \
  ${MODEL}/requirements.tx[t] model/${MODEL}/
COPY --from=rows /rows/training.arrow /rows/holdout.arrow /rows/examples.arrow /rows/
COPY --from=export / /export/
COPY --from=answers /answers/ /answers/
COPY --from=asked / /asked/
COPY --from=scored / /scored/
ARG REVISION=unknown
ARG VERSION=0
ARG SOURCE_DATE_EPOCH=0
RUN --network=none python -m train "${MODEL}" --step judge \
    --rows /rows --export /export --answers /answers --asked /asked --scored /scored \
    --out /judged/bundle --keep-going

# The bundle, and beside it what it was judged by, to export both.
FROM scratch AS trained
COPY --from=judged /judged/ /

# The bundle alone, which the image holds, to replace it: --build-context bundle=DIRECTORY.
FROM scratch AS bundle
COPY --from=judged /judged/bundle/ /

# What serves the bundle: an ONNX model needs no scikit-learn and no pickle; one that ONNX cannot hold
# needs the scikit-learn it was trained with. Tests, stubs, sources and command-line scripts serve
# nobody, and onnxruntime's Python module holds all of libonnxruntime.so itself. Bytecode carries no
# time, and all files, of this stage and the next ones, have the time 0: equal files give equal layers,
# which are compressed, pushed and pulled once for all models.
FROM base AS packages
ARG RUNTIME
WORKDIR /opt/packages
RUN --mount=type=bind,source=requirements.txt,target=/tmp/onnx.txt \
    --mount=type=bind,source=requirements-joblib.txt,target=/tmp/joblib.txt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.cache/pip \
    python -m pip install --quiet --root-user-action=ignore --require-hashes --only-binary=:all: \
      --no-compile --target=. --requirement="/tmp/${RUNTIME}.txt" \
    && rm -rf bin onnxruntime/capi/libonnxruntime.so.* onnxruntime/datasets \
      onnxruntime/quantization onnxruntime/tools onnxruntime/transformers \
    && find . -depth \
      \( -type d \( -name tests -o -name include \) \
      -o -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.px[di]' -o -name '*.[ah]' \) \) \
      -exec rm -rf {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash . \
    && find . -exec touch --no-dereference --date=@0 {} +

# What a pickle imports of the model's own lock beyond that, as it was seen when it answered.
FROM packages AS imported-packages
WORKDIR /lock
COPY --from=lock /lock/ ./
ARG PACKAGES
RUN --mount=type=bind,source=requirements-joblib.txt,target=/tmp/shared.txt \
    --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    --mount=type=cache,target=/root/.cache/pip \
    mkdir -p /opt/own/lib \
    && python -m contract.packages requirements.txt /tmp/shared.txt --only ${PACKAGES} >/tmp/own.txt \
    && python -m pip install --quiet --root-user-action=ignore --require-hashes --only-binary=:all: \
      --no-deps --no-compile --target=/opt/own --requirement=/tmp/own.txt \
    && rm -rf /opt/own/bin /opt/own/etc /opt/own/share \
    && find /opt/own -depth \
      \( -type d \( -name tests -o -name include \) \
      -o -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.px[di]' -o -name '*.[ah]' \) \) \
      -exec rm -rf {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /opt/own \
    && ln -s /opt/packages/scikit_learn.libs/libgomp*.so* /opt/own/lib/libgomp.so.1 \
    && find /opt/own -exec touch --no-dereference --date=@0 {} +

# The server and the contract it reads bundles by; a pickle also needs the code it was made with.
FROM base AS code-onnx
WORKDIR /app
COPY contract/__init__.py contract/arrays.py contract/dates.py contract/inputs.py contract/onnx_session.py contract/regular_file.py contract/
COPY contract/bundle/ contract/bundle/
COPY serve/ serve/
FROM code-onnx AS code-joblib
ARG MODEL
COPY --from=models ${MODEL}/*.py model/${MODEL}/
COPY --from=shared / model/
# hadolint ignore=DL3006
FROM code-${RUNTIME} AS code
RUN chmod -R u=rwX,go=rX . \
    && python -m compileall -q --invalidation-mode unchecked-hash . \
    && find . -exec touch --no-dereference --date=@0 {} +

# Nothing in the image installs anything. The imports leave the standard library's bytecode behind,
# which the base image does not carry. A file may be newer only if it was made some ms after the mark.
FROM base AS served
RUN --mount=from=packages,source=/opt/packages,target=/tmp/packages \
    --mount=from=code,source=/app,target=/tmp/app \
    touch /tmp/before \
    && python -m pip uninstall --quiet --yes --root-user-action=ignore pip \
    && mkdir -p /app /opt/packages \
    && python -c "import pathlib, shutil, sysconfig; \
      shutil.rmtree(pathlib.Path(sysconfig.get_path('stdlib'), 'ensurepip'), ignore_errors=True)" \
    && PYTHONPATH=/tmp/app:/tmp/packages \
      python -c "import serve.app.app, serve.inference.predictor, serve.server.run" \
    && find / -xdev -newer /tmp/before -exec touch --no-dereference --date=@0 {} + \
    && rm /tmp/before && touch --date=@0 /tmp
ENV PYTHONPATH=/app:/opt/packages PYTHONDONTWRITEBYTECODE=1
# Slow layers first: packages, then code, then the model, so that an edit pushes only its own layer.
COPY --from=packages /opt/packages/ /opt/packages/
FROM served AS served-onnx
FROM served AS served-joblib
COPY --from=imported-packages /opt/own/ /opt/packages/
ENV LD_LIBRARY_PATH=/opt/packages/lib
# hadolint ignore=DL3006
FROM served-${RUNTIME} AS installed
COPY --from=code /app/ /app/
WORKDIR /app

# Wherever the bundle comes from, equal bytes give an equal layer. It answers its golden examples on the
# runtime it will have, or there is no image.
FROM installed AS model
COPY --from=bundle / /bundle/
RUN chmod -R u=rwX,go=rX /bundle && find /bundle -exec touch --date=@0 {} + \
    && python -m serve check /bundle

FROM installed AS runtime
COPY --from=model /bundle/ /bundle/
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["python", "-m", "serve", "healthcheck"]
ENTRYPOINT ["python", "-m", "serve"]
