import { runtimeConformance } from '../conformance.ts'
import { openContainerdBench } from '../testing/containerd-bench.ts'

runtimeConformance('containerd', () => openContainerdBench())
