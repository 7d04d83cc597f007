"""A SavedModel whose answers leave something behind for the next request is refused."""

from pathlib import Path

import pytest

from service.loading.saved_model.inspection import inspect_saved_model

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("keeps", [True, False])
def test_what_keeps_something_of_a_request_is_a_hazard(tmp_path: Path, keeps: bool) -> None:
    import tensorflow as tf

    class Counter(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = tf.Variable([0.0, 0.0])

        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])  # type: ignore[untyped-decorator]
        def serve(self, x: object) -> dict[str, object]:
            before = tf.identity(self.last)
            if keeps:
                self.last.assign(x[0])  # type: ignore[index]
            return {"y": x + before}

    module = Counter()
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    files = {str(p.relative_to(tmp_path)): p for p in tmp_path.rglob("*") if p.is_file()}

    hazards = inspect_saved_model(files).hazards

    assert any("keeps something of one request" in text for text in hazards) is keeps
