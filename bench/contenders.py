"""The servers that are measured: ours, the limits, a tutorial's, and those of other projects."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import sklearn
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from bench.process import ROOT, Contender

SERVERS = "bench.servers"
UVICORN = ["-m", "uvicorn", "--port", "{port}", "--no-access-log", "--log-level", "error"]
PACKAGES = {
    "bentoml": ["bentoml"],
    "litserve": ["litserve"],
    "kserve": ["kserve"],
    "mlserver": ["mlserver", "mlserver-sklearn"],
    "mlflow": ["mlflow"],
}
ROWS = '{"instances":[[5.1,3.5,1.4,0.2]]}'


def ours(name: str, bundle: Path, **environment: str) -> Contender:
    """Return this repository's server of a bundle, asked for its first golden example."""
    examples = json.loads((bundle / "examples.json").read_bytes())
    return Contender(
        name,
        [sys.executable, "-m", "serve"],
        json.dumps({"features": list(examples[0]["features"].values())}),
        environment={"BUNDLE": str(bundle), "HOST": "127.0.0.1", "DRAIN_SECONDS": "0"}
        | environment,
    )


def yardsticks(forest: Path) -> list[Contender]:
    """Return the servers that show the limits, and the server that tutorials teach."""
    names = {"bare ASGI": "bare", "FastAPI echo": "echo", "tutorial": "tutorial"}
    return [
        Contender(
            name,
            [sys.executable, *UVICORN, f"{SERVERS}.{module}:app"],
            environment={"PICKLE": str(forest)},
        )
        for name, module in names.items()
    ]


def pickled_forest(folder: Path) -> Path:
    """Fit the forest of the iris model and pickle it, for the tutorial and the peers."""
    X, y = load_iris(return_X_y=True)
    file = folder / "forest.pkl"
    file.write_bytes(pickle.dumps(RandomForestClassifier(100, random_state=0).fit(X, y)))
    return file


def peer(name: str, forest: Path, cache: Path) -> Contender:
    """Return the server of another project, installed in an environment of its own."""
    python = install(name, cache)
    servers = ROOT / "bench/servers"
    environment = {"PICKLE": str(forest), "PATH": f"{python.parent}:/usr/bin:/bin"}
    one_row = '{"features":[5.1,3.5,1.4,0.2]}'
    if name == "bentoml":
        command = [str(python), "-m", "bentoml", "serve", "bentoml_service:Forest"]
        command += ["--port", "{port}", "--working-dir", str(servers)]
        return Contender(name, command, one_row, environment=environment)
    if name == "litserve":
        command = [str(python), str(servers / "litserve_server.py"), "{port}"]
        return Contender(name, command, one_row, environment=environment)
    if name == "kserve":
        command = [str(python), str(servers / "kserve_server.py"), "--http_port", "{port}"]
        command += ["--enable_grpc", "false"]
        return Contender(name, command, ROWS, "/v1/models/forest:predict", environment)
    if name == "mlflow":
        return mlflow(python, forest, environment)
    return mlserver(python, forest, environment)


def mlflow(python: Path, forest: Path, environment: dict[str, str]) -> Contender:
    """Return MLflow's server of the forest."""
    model = forest.parent / "mlflow"
    save = (
        "import mlflow.sklearn, pickle, sys; mlflow.sklearn.save_model("
        "pickle.load(open(sys.argv[1], 'rb')), sys.argv[2], serialization_format='cloudpickle')"
    )
    if not model.exists():
        subprocess.run([python, "-c", save, forest, model], check=True)
    command = [str(python), "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    command += ["--model-uri", str(model), "--port", "{port}", "--workers", "1"]
    body = '{"inputs":[[5.1,3.5,1.4,0.2]]}'
    return Contender("mlflow", command, body, "/invocations", environment)


def mlserver(python: Path, forest: Path, environment: dict[str, str]) -> Contender:
    """Return MLServer with its scikit-learn runtime."""
    folder = forest.parent / "mlserver"
    folder.mkdir(exist_ok=True)
    settings = {
        "name": "forest",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(forest)},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings))
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}
    outputs = [{"name": "predict"}, {"name": "predict_proba"}]
    return Contender(
        "mlserver",
        ["sh", "-c", f"MLSERVER_HTTP_PORT={{port}} exec {python.parent}/mlserver start {folder}"],
        json.dumps({"inputs": [tensor], "outputs": outputs}),
        "/v2/models/forest/infer",
        environment | {"MLSERVER_PARALLEL_WORKERS": "0", "MLSERVER_GRPC_PORT": "0"},
    )


def install(name: str, cache: Path) -> Path:
    """Return the Python of an environment with a project and the scikit-learn of the pickle.

    The first call makes the environment.
    """
    python = cache / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", cache / name], check=True)
        packages = [*PACKAGES[name], f"scikit-learn=={sklearn.__version__}"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return python
