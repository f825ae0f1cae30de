from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DTYPE_UNSPECIFIED: _ClassVar[DType]
    DTYPE_FLOAT32: _ClassVar[DType]
    DTYPE_FLOAT16: _ClassVar[DType]
    DTYPE_BFLOAT16: _ClassVar[DType]
    DTYPE_UINT8: _ClassVar[DType]
DTYPE_UNSPECIFIED: DType
DTYPE_FLOAT32: DType
DTYPE_FLOAT16: DType
DTYPE_BFLOAT16: DType
DTYPE_UINT8: DType

class Tensor(_message.Message):
    __slots__ = ("dtype", "shape", "codec", "data", "checksum")
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    dtype: DType
    shape: _containers.RepeatedScalarFieldContainer[int]
    codec: str
    data: bytes
    checksum: int
    def __init__(self, dtype: _Optional[_Union[DType, str]] = ..., shape: _Optional[_Iterable[int]] = ..., codec: _Optional[str] = ..., data: _Optional[bytes] = ..., checksum: _Optional[int] = ...) -> None: ...

class Key(_message.Message):
    __slots__ = ("session_id", "incarnation", "step", "microbatch", "microbatches")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    MICROBATCH_FIELD_NUMBER: _ClassVar[int]
    MICROBATCHES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    incarnation: int
    step: int
    microbatch: int
    microbatches: int
    def __init__(self, session_id: _Optional[str] = ..., incarnation: _Optional[int] = ..., step: _Optional[int] = ..., microbatch: _Optional[int] = ..., microbatches: _Optional[int] = ...) -> None: ...

class OpenSessionRequest(_message.Message):
    __slots__ = ("session_id", "agreement", "resume_steps", "resume_session_id", "reader", "client", "opening", "replaces", "codec", "message_checksum")
    class AgreementEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    AGREEMENT_FIELD_NUMBER: _ClassVar[int]
    RESUME_STEPS_FIELD_NUMBER: _ClassVar[int]
    RESUME_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    OPENING_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    CODEC_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    agreement: _containers.ScalarMap[str, str]
    resume_steps: _containers.RepeatedScalarFieldContainer[int]
    resume_session_id: str
    reader: bool
    client: str
    opening: int
    replaces: int
    codec: str
    message_checksum: int
    def __init__(self, session_id: _Optional[str] = ..., agreement: _Optional[_Mapping[str, str]] = ..., resume_steps: _Optional[_Iterable[int]] = ..., resume_session_id: _Optional[str] = ..., reader: _Optional[bool] = ..., client: _Optional[str] = ..., opening: _Optional[int] = ..., replaces: _Optional[int] = ..., codec: _Optional[str] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class OpenSessionReply(_message.Message):
    __slots__ = ("incarnation", "applied_step", "fingerprint", "max_message_bytes", "message_checksum")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    APPLIED_STEP_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    incarnation: int
    applied_step: int
    fingerprint: str
    max_message_bytes: int
    message_checksum: int
    def __init__(self, incarnation: _Optional[int] = ..., applied_step: _Optional[int] = ..., fingerprint: _Optional[str] = ..., max_message_bytes: _Optional[int] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class Commit(_message.Message):
    __slots__ = ("step", "learning_rate", "clip_coefficient", "skip")
    STEP_FIELD_NUMBER: _ClassVar[int]
    LEARNING_RATE_FIELD_NUMBER: _ClassVar[int]
    CLIP_COEFFICIENT_FIELD_NUMBER: _ClassVar[int]
    SKIP_FIELD_NUMBER: _ClassVar[int]
    step: int
    learning_rate: float
    clip_coefficient: float
    skip: bool
    def __init__(self, step: _Optional[int] = ..., learning_rate: _Optional[float] = ..., clip_coefficient: _Optional[float] = ..., skip: _Optional[bool] = ...) -> None: ...

class ComputeRequest(_message.Message):
    __slots__ = ("key", "smashed", "attention_mask", "commit", "inference", "finished", "message_checksum")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SMASHED_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_MASK_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    key: Key
    smashed: Tensor
    attention_mask: Tensor
    commit: Commit
    inference: bool
    finished: int
    message_checksum: int
    def __init__(self, key: _Optional[_Union[Key, _Mapping]] = ..., smashed: _Optional[_Union[Tensor, _Mapping]] = ..., attention_mask: _Optional[_Union[Tensor, _Mapping]] = ..., commit: _Optional[_Union[Commit, _Mapping]] = ..., inference: _Optional[bool] = ..., finished: _Optional[int] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class ComputeReply(_message.Message):
    __slots__ = ("features", "stopping", "message_checksum")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    STOPPING_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    features: Tensor
    stopping: bool
    message_checksum: int
    def __init__(self, features: _Optional[_Union[Tensor, _Mapping]] = ..., stopping: _Optional[bool] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class BackwardRequest(_message.Message):
    __slots__ = ("key", "features_grad", "message_checksum")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FEATURES_GRAD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    key: Key
    features_grad: Tensor
    message_checksum: int
    def __init__(self, key: _Optional[_Union[Key, _Mapping]] = ..., features_grad: _Optional[_Union[Tensor, _Mapping]] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class BackwardReply(_message.Message):
    __slots__ = ("smashed_grad", "norms", "stopping", "message_checksum")
    SMASHED_GRAD_FIELD_NUMBER: _ClassVar[int]
    NORMS_FIELD_NUMBER: _ClassVar[int]
    STOPPING_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    smashed_grad: Tensor
    norms: _containers.RepeatedCompositeFieldContainer[ParameterNorm]
    stopping: bool
    message_checksum: int
    def __init__(self, smashed_grad: _Optional[_Union[Tensor, _Mapping]] = ..., norms: _Optional[_Iterable[_Union[ParameterNorm, _Mapping]]] = ..., stopping: _Optional[bool] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class ParameterNorm(_message.Message):
    __slots__ = ("name", "norm")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    name: str
    norm: float
    def __init__(self, name: _Optional[str] = ..., norm: _Optional[float] = ...) -> None: ...

class GetGradientsRequest(_message.Message):
    __slots__ = ("key", "names", "message_checksum")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    key: Key
    names: _containers.RepeatedScalarFieldContainer[str]
    message_checksum: int
    def __init__(self, key: _Optional[_Union[Key, _Mapping]] = ..., names: _Optional[_Iterable[str]] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class Gradient(_message.Message):
    __slots__ = ("name", "gradient", "left", "message_checksum")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    name: str
    gradient: Tensor
    left: int
    message_checksum: int
    def __init__(self, name: _Optional[str] = ..., gradient: _Optional[_Union[Tensor, _Mapping]] = ..., left: _Optional[int] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class SyncTrainingStateRequest(_message.Message):
    __slots__ = ("key", "action", "commit", "message_checksum")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_QUERY: _ClassVar[SyncTrainingStateRequest.Action]
        ACTION_COMMIT: _ClassVar[SyncTrainingStateRequest.Action]
        ACTION_SAVE: _ClassVar[SyncTrainingStateRequest.Action]
        ACTION_CLOSE: _ClassVar[SyncTrainingStateRequest.Action]
        ACTION_ABANDON: _ClassVar[SyncTrainingStateRequest.Action]
    ACTION_QUERY: SyncTrainingStateRequest.Action
    ACTION_COMMIT: SyncTrainingStateRequest.Action
    ACTION_SAVE: SyncTrainingStateRequest.Action
    ACTION_CLOSE: SyncTrainingStateRequest.Action
    ACTION_ABANDON: SyncTrainingStateRequest.Action
    KEY_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    key: Key
    action: SyncTrainingStateRequest.Action
    commit: Commit
    message_checksum: int
    def __init__(self, key: _Optional[_Union[Key, _Mapping]] = ..., action: _Optional[_Union[SyncTrainingStateRequest.Action, str]] = ..., commit: _Optional[_Union[Commit, _Mapping]] = ..., message_checksum: _Optional[int] = ...) -> None: ...

class SyncTrainingStateReply(_message.Message):
    __slots__ = ("applied_step", "fingerprint", "stopping", "message_checksum")
    APPLIED_STEP_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    STOPPING_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    applied_step: int
    fingerprint: str
    stopping: bool
    message_checksum: int
    def __init__(self, applied_step: _Optional[int] = ..., fingerprint: _Optional[str] = ..., stopping: _Optional[bool] = ..., message_checksum: _Optional[int] = ...) -> None: ...
