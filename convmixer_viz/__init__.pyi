"""What people import, and where it stands."""

from .catalog import (
    ACTIVATIONS as ACTIVATIONS,
    ANALYSES as ANALYSES,
    ATTRIBUTION as ATTRIBUTION,
    COST as COST,
    EFFECT as EFFECT,
    EVIDENCE as EVIDENCE,
    FAITHFULNESS as FAITHFULNESS,
    FIRING as FIRING,
    FORMATION as FORMATION,
    IMPORTANCE as IMPORTANCE,
    KERNEL as KERNEL,
    KERNELS as KERNELS,
    PATCH_EMBEDDING as PATCH_EMBEDDING,
    PREDICTION as PREDICTION,
    RECEPTIVE_FIELD as RECEPTIVE_FIELD,
    REPRESENTATION as REPRESENTATION,
    STRUCTURE as STRUCTURE,
    SURVEY as SURVEY,
    TOKEN as TOKEN,
)
from .contract import (
    Analysis as Analysis,
    Provenance as Provenance,
    Result as Result,
    Step as Step,
)
from .errors import (
    BusyError as BusyError,
    ChoiceError as ChoiceError,
    DataError as DataError,
    DeviceError as DeviceError,
    PictureError as PictureError,
    VizError as VizError,
    WeightsError as WeightsError,
)
from .presets.table import (
    PRESETS as PRESETS,
    Preset as Preset,
)
from .questions.activations import Activations as Activations
from .questions.attribution import AttributionMap as AttributionMap
from .questions.cost import Cost as Cost
from .questions.effect import Effect as Effect
from .questions.evidence import Evidence as Evidence
from .questions.faithfulness import Faithfulness as Faithfulness
from .questions.firing import Firing as Firing
from .questions.formation import Formation as Formation
from .questions.importance import Importance as Importance
from .questions.kernel import Kernel as Kernel
from .questions.kernels import KernelAtlas as KernelAtlas
from .questions.patch_embedding import PatchEmbedding as PatchEmbedding
from .questions.prediction import Prediction as Prediction
from .questions.receptive_field import ReceptiveField as ReceptiveField
from .questions.representation import Representation as Representation
from .questions.structure import Structure as Structure
from .questions.survey import Survey as Survey
from .questions.token import TokenSteps as TokenSteps
from .workbench import (
    Explanation as Explanation,
    Workbench as Workbench,
)

__version__: str
