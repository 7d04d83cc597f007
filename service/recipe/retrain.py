"""What a retrain is asked: data, beginning, learning, callbacks, and what becomes of the result."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.recipe.callbacks import Callbacks
from service.recipe.checkpoint_path import names_in
from service.recipe.compiling import ClassWeight, Compile
from service.recipe.data import DataRequest
from service.recipe.fit import Fit
from service.recipe.gate import Gate
from service.recipe.init import Init
from service.recipe.strict import Recipe

Promote = Literal["auto", "manual", "never"]
Priority = Annotated[int, Field(ge=-100, le=100)]


class RetrainRequest(Recipe):
    """A retrain of one model.

    `promote`: `auto` makes a candidate that passes the gate the current version, `manual` publishes
    it and waits for an operator, `never` keeps it in the job's folder. A job of a higher `priority`
    begins earlier.
    """

    data: DataRequest = Field(description="The rows: a file, or predictions with labels")
    init: Init = Field(default=Init(), description="What the model is at the beginning")
    compile: Compile = Field(default=Compile(), description="Optimizer, loss, metrics")
    fit: Fit = Field(default=Fit(), description="Epochs, batch size, order")
    callbacks: Callbacks = Field(default=Callbacks(), description="Keras' callbacks by name")
    gate: Gate = Field(default=Gate(), description="What the candidate has to show")
    promote: Promote = Field(
        default="manual", description="auto, manual or never: what follows a passed gate"
    )
    priority: Priority = Field(default=0, description="A higher one begins earlier")
    description: Annotated[str, Field(max_length=500)] = Field(
        default="", description="A note for people; stands in the job and the manifest"
    )

    @model_validator(mode="after")
    def _one_class_weight(self) -> Self:
        if self.compile.class_weight is not None and self.fit.class_weight is not None:
            raise ValueError("class_weight stands in compile and in fit; give it in one place")
        return self

    @model_validator(mode="after")
    def _paths_name_what_each_epoch_has(self) -> Self:
        for each in self.callbacks.ModelCheckpoint:
            late = [name for name in names_in(each.filepath) if name.startswith("val_")]
            is_of_validated = each.save_best_only and each.watched.startswith("val_")
            if late and self.fit.validation_freq != 1 and not is_of_validated:
                raise ValueError(
                    f"ModelCheckpoint's filepath has {{{late[0]}}}, which only epochs have that "
                    f"are validated, and fit.validation_freq is {self.fit.validation_freq}"
                )
        return self

    @property
    def class_weight(self) -> ClassWeight | None:
        """The class weights, wherever they stand."""
        own = self.compile.class_weight
        return self.fit.class_weight if own is None else own
