"""Asks with the asyncio client of tritonclient: many requests at once on one event loop."""

import asyncio
import sys
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import tritonclient.http.aio as triton


async def ask(client: triton.InferenceServerClient, x: np.ndarray, y: np.ndarray) -> None:
    given = triton.InferInput("x", list(x.shape), "FP32")
    given.set_data_from_numpy(x)
    answer = await client.infer("churn", [given])
    np.testing.assert_allclose(answer.as_numpy("probs"), y, atol=1e-5)


async def main(url: str, answers: Path) -> None:
    with np.load(answers / "churn-64.npz") as stored:
        x, y = stored["in.x"], stored["out.probs"]
    async with triton.InferenceServerClient(urlsplit(url).netloc) as client:
        assert await client.is_server_live()
        assert await client.is_server_ready()
        assert await client.is_model_ready("churn")
        assert (await client.get_model_metadata("churn"))["name"] == "churn"
        assert (await client.get_model_config("churn"))["name"] == "churn"
        await asyncio.gather(*(ask(client, x[i : i + 1], y[i : i + 1]) for i in range(64)))
        await asyncio.gather(*(ask(client, x, y) for _ in range(16)))
        assert await client.get_model_repository_index()
        assert (await client.get_inference_statistics("churn"))["model_stats"]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
    print("done")
