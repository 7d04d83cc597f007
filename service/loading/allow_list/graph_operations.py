"""The operations of a TensorFlow graph that only compute; everything else is refused.

A list of what is allowed, not of what is known to be bad: TensorFlow has some 1900 operations, and
those that read and write files, run Python, talk to other machines, print or end the process are
spread among them under harmless names (`ImmutableConst` maps a file, `DecodeProtoV2` reads a
descriptor from a path, `FixedUnigramCandidateSampler` a vocabulary). Gradients are listed because
a SavedModel of Keras carries the functions of its training, too.
"""

_ARITHMETIC = """
Abs AccumulateNV2 Acos Acosh Add AddN AddV2 Angle Asin Asinh Atan Atan2 Atanh BesselI0 BesselI0e
BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Betainc
BitwiseAnd BitwiseOr BitwiseXor Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Cumprod
Cumsum CumulativeLogsumexp Dawsn Digamma Div DivNoNan Erf Erfc Erfinv Exp Expint Expm1 Floor
FloorDiv FloorMod FresnelCos FresnelSin Igamma IgammaGradA Igammac Imag Inv InvGrad Invert LeftShift
Lgamma LinSpace Log Log1p Maximum Minimum Mod Mul MulNoNan Ndtri Neg NextAfter Polygamma
PopulationCount Pow Real RealDiv Reciprocal ReciprocalGrad RightShift Rint Round Rsqrt RsqrtGrad
Sign Sin Sinh Spence Sqrt SqrtGrad Square SquaredDifference Sub Tan Tanh TanhGrad TruncateDiv
TruncateMod Xdivy Xlog1py Xlogy Zeta
All Any ApproximateEqual Equal Greater GreaterEqual IsFinite IsInf IsNan Less LessEqual LogicalAnd
LogicalNot LogicalOr NotEqual Select SelectV2
ArgMax ArgMin Bincount DenseBincount EuclideanNorm HistogramFixedWidth Max Mean Min Prod SegmentMax
SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum SegmentSumV2
Sum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum
"""

_LINEAR_ALGEBRA = """
BandedTriangularSolve BatchCholesky BatchFFT BatchFFT2D BatchFFT3D BatchIFFT BatchIFFT2D BatchIFFT3D
BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchMatrixBandPart BatchMatrixDeterminant BatchMatrixDiag
BatchMatrixDiagPart BatchMatrixInverse BatchMatrixSetDiag BatchMatrixSolve BatchMatrixSolveLs
BatchMatrixTriangularSolve BatchSelfAdjointEig BatchSelfAdjointEigV2 BatchSvd Cholesky CholeskyGrad
Eig Einsum FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D IRFFTND
LogMatrixDeterminant Lu MatMul MatrixBandPart MatrixDeterminant MatrixDiag MatrixDiagPart
MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixExponential MatrixInverse
MatrixLogarithm MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve MatrixSolveLs
MatrixSquareRoot MatrixTriangularSolve Qr RFFT RFFT2D RFFT3D RFFTND SelfAdjointEig SelfAdjointEigV2
Svd TridiagonalMatMul TridiagonalSolve
"""

_ARRAYS = """
BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastGradientArgs BroadcastTo Bucketize Cast
CheckNumerics CheckNumericsV2 Concat ConcatOffset ConcatV2 ConjugateTranspose Const
DataFormatDimMap DataFormatVecPermute DeepCopy DepthToSpace Diag DiagPart DynamicPartition
DynamicStitch EditDistance EnsureShape ExpandDims Fill Fingerprint Gather GatherNd GatherV2
GuaranteeConst Identity IdentityN InTopK InTopKV2 InplaceAdd InplaceSub InplaceUpdate
InvertPermutation ListDiff LowerBound MirrorPad MirrorPadGrad NthElement OneHot OnesLike Pack Pad
PadV2 ParallelDynamicStitch Placeholder PlaceholderV2 PlaceholderWithDefault
PreventGradient Range Rank Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd
ScatterNdNonAliasingAdd Shape ShapeN Size Slice Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth
Split SplitV Squeeze StopGradient StridedSlice StridedSliceGrad TensorScatterAdd TensorScatterMax
TensorScatterMin TensorScatterSub TensorScatterUpdate TensorStridedSliceUpdate Tile TileGrad TopK
TopKV2 Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack UnravelIndex UpperBound
Where ZerosLike
"""

_NEURAL_NETWORKS = """
ApproxTopK AvgPool AvgPool3D AvgPool3DGrad AvgPoolGrad BatchNormWithGlobalNormalization
BatchNormWithGlobalNormalizationGrad BiasAdd BiasAddGrad BiasAddV1 BlockLSTM BlockLSTMGrad
BlockLSTMGradV2 BlockLSTMV2 CTCBeamSearchDecoder CTCGreedyDecoder CTCLoss CTCLossV2 Conv Conv2D
Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D
Conv3DBackpropFilter Conv3DBackpropFilterV2 Conv3DBackpropInput Conv3DBackpropInputV2 CudnnRNN
CudnnRNNBackprop CudnnRNNBackpropV2 CudnnRNNBackpropV3 CudnnRNNCanonicalToParams
CudnnRNNCanonicalToParamsV2 CudnnRNNParamsSize CudnnRNNParamsToCanonical CudnnRNNParamsToCanonicalV2
CudnnRNNV2 CudnnRNNV3 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter
DepthwiseConv2dNativeBackpropInput Dequantize Dilation2D Dilation2DBackpropFilter
Dilation2DBackpropInput Elu EluGrad FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient
FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel
FakeQuantWithMinMaxVarsPerChannelGradient FractionalAvgPool FractionalAvgPoolGrad FractionalMaxPool
FractionalMaxPoolGrad FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3
FusedBatchNormV2 FusedBatchNormV3 GRUBlockCell GRUBlockCellGrad L2Loss LRN LRNGrad LSTMBlockCell
LSTMBlockCellGrad LeakyRelu LeakyReluGrad LogSoftmax MaxPool MaxPool3D MaxPool3DGrad
MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad MaxPoolGradGradV2 MaxPoolGradV2 MaxPoolGradWithArgmax
MaxPoolV2 MaxPoolWithArgmax QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3
QuantizeAndDequantizeV4 QuantizeAndDequantizeV4Grad QuantizeV2 Relu Relu6 Relu6Grad ReluGrad Selu
SeluGrad Sigmoid SigmoidGrad Softmax SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign
SoftsignGrad SparseSoftmaxCrossEntropyWithLogits
"""

# IteratorGetNext lies in functions that `adapt` left behind; nothing here can make an iterator.
_CONTROL_FLOW = """
Assert Case ControlTrigger DeviceIndex Enter Exit FakeParam If IteratorGetNext LoopCond Merge
NextIteration NoOp
PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile Switch
While OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone
RefEnter RefExit RefIdentity RefMerge RefNextIteration RefSwitch
"""

_STATE = """
Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp CountUpTo
DisableCopyOnRead IsVariableInitialized ReadVariableOp ResourceGather ResourceGatherNd
ResourceScatterAdd ResourceScatterMax ResourceScatterMin ResourceScatterMul ResourceScatterNdAdd
ResourceScatterNdSub ResourceScatterNdUpdate ResourceScatterSub ResourceScatterUpdate
ResourceStridedSliceAssign ScatterAdd ScatterNdAdd ScatterNdSub ScatterNdUpdate ScatterSub
ScatterUpdate VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2
AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable
AnonymousMutableHashTableOfTensors HashTable HashTableV2 InitializeTable InitializeTableFromTextFile
InitializeTableFromTextFileV2 InitializeTableV2 LookupTableExport LookupTableExportV2
LookupTableFind LookupTableFindV2 LookupTableImport LookupTableImportV2 LookupTableInsert
LookupTableInsertV2 LookupTableRemoveV2 LookupTableSize LookupTableSizeV2 MutableDenseHashTable
MutableDenseHashTableV2 MutableHashTable MutableHashTableOfTensors MutableHashTableOfTensorsV2
MutableHashTableV2
"""

_LISTS = """
EmptyTensorList EmptyTensorMap RaggedBincount RaggedCross RaggedCountSparseOutput
RaggedFillEmptyRows RaggedFillEmptyRowsGrad RaggedGather RaggedRange RaggedTensorFromVariant
RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant RaggedTensorToVariantGradient
TensorArrayCloseV2 TensorArrayCloseV3 TensorArrayConcatV2 TensorArrayConcatV3 TensorArrayGatherV2
TensorArrayGatherV3 TensorArrayGradV2 TensorArrayGradV3 TensorArrayGradWithShape TensorArrayReadV2
TensorArrayReadV3 TensorArrayScatterV2 TensorArrayScatterV3 TensorArraySizeV2 TensorArraySizeV3
TensorArraySplitV2 TensorArraySplitV3 TensorArrayV2 TensorArrayV3 TensorArrayWriteV2
TensorArrayWriteV3 TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape
TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize TensorListScatter
TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
TensorListStack TensorMapErase TensorMapHasKey TensorMapInsert TensorMapLookup TensorMapSize
TensorMapStackKeys
"""

_SPARSE = """
CSRSparseMatrixToDense CSRSparseMatrixToSparseTensor DenseCountSparseOutput
DenseToCSRSparseMatrix DenseToDenseSetOperation DenseToSparseSetOperation DeserializeManySparse
DeserializeSparse SerializeManySparse SerializeSparse SetSize SparseAdd SparseAddGrad SparseBincount
SparseConcat SparseCountSparseOutput SparseCross SparseCrossHashed SparseCrossV2 SparseDenseCwiseAdd
SparseDenseCwiseDiv SparseDenseCwiseMul SparseFillEmptyRows SparseFillEmptyRowsGrad SparseMatMul
SparseMatrixMatMul SparseReduceMax SparseReduceMaxSparse SparseReduceSum SparseReduceSumSparse
SparseReorder SparseReshape SparseSegmentMean SparseSegmentMeanGrad SparseSegmentMeanGradV2
SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNGrad SparseSegmentSqrtNGradV2
SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumGrad SparseSegmentSumGradV2
SparseSegmentSumWithNumSegments SparseSlice SparseSliceGrad SparseSoftmax SparseSparseMaximum
SparseSparseMinimum SparseSplit SparseTensorDenseAdd SparseTensorDenseMatMul
SparseTensorToCSRSparseMatrix SparseToDense SparseToSparseSetOperation
"""

_TEXT_AND_RECORDS = """
AsString DecodeBase64 DecodeCSV DecodeJSONExample DecodePaddedRaw DecodeRaw
EncodeBase64 ParseExample ParseExampleV2 ParseSequenceExample ParseSequenceExampleV2
ParseSingleExample ParseSingleSequenceExample ParseTensor ReduceJoin RegexFullMatch RegexReplace
SerializeTensor StaticRegexFullMatch StaticRegexReplace StringFormat StringJoin StringLength
StringLower StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket
StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode
UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode UnsortedSegmentJoin
AudioSummary AudioSummaryV2 HistogramSummary ImageSummary MergeSummary ScalarSummary TensorSummary
TensorSummaryV2
"""  # these summaries only make a text of their input; those that write one are others

_IMAGES_AND_SOUND = """
AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation AudioSpectrogram
CombinedNonMaxSuppression CropAndResize CropAndResizeGradBoxes CropAndResizeGradImage
DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng DecodeWav DrawBoundingBoxes
DrawBoundingBoxesV2 EncodeJpeg EncodeJpegVariableQuality EncodePng EncodeWav ExtractGlimpse
ExtractGlimpseV2 ExtractImagePatches ExtractJpegShape ExtractVolumePatches
GenerateBoundingBoxProposals HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3 Mfcc
NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5
NonMaxSuppressionWithOverlaps RGBToHSV ResizeArea ResizeBicubic ResizeBicubicGrad ResizeBilinear
ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad SampleDistortedBoundingBox
SampleDistortedBoundingBoxV2 ScaleAndTranslate ScaleAndTranslateGrad
StatelessSampleDistortedBoundingBox
"""

_RANDOM = """
Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomCrop RandomGamma RandomGammaGrad
RandomIndexShuffle RandomPoisson RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform
RandomUniformInt RngReadAndSkip RngSkip StatefulRandomBinomial StatefulStandardNormal
StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt
StatefulUniformInt StatelessMultinomial StatelessParameterizedTruncatedNormal
StatelessRandomBinomial StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetAlg
StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg StatelessRandomNormal
StatelessRandomNormalV2 StatelessRandomPoisson StatelessRandomUniform StatelessRandomUniformFullInt
StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
TruncatedNormal
"""

COMPUTE = frozenset(
    " ".join(
        (
            _ARITHMETIC,
            _LINEAR_ALGEBRA,
            _ARRAYS,
            _NEURAL_NETWORKS,
            _CONTROL_FLOW,
            _STATE,
            _LISTS,
            _SPARSE,
            _TEXT_AND_RECORDS,
            _IMAGES_AND_SOUND,
            _RANDOM,
        )
    ).split()
)

# What a SavedModel's own saver consists of. Allowed in it, and nowhere else: they read and write
# whatever file their input names.
SAVER = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename"})

# Fill a lookup table from a text file. Allowed when the file is one of the model's own assets.
FROM_TEXT_FILE = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})

# Keep something for the next request. What is answered must follow from the question alone.
KEEPING = frozenset(
    """
    Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp CountUpTo
    LookupTableImport LookupTableImportV2 LookupTableInsert LookupTableInsertV2
    LookupTableRemoveV2 ResourceScatterAdd ResourceScatterMax ResourceScatterMin
    ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdSub ResourceScatterNdUpdate
    ResourceScatterSub ResourceScatterUpdate ResourceStridedSliceAssign ScatterAdd ScatterNdAdd
    ScatterNdSub ScatterNdUpdate ScatterSub ScatterUpdate
    """.split()
)
