/** What scheduler and agents agree on about devices that pods share; see docs/scheduling-gpu.md and docs/devices.md. */

/** Thousandths of devices: a node offers 1000 for each, a pod asks for a share of one (1 … 999) or for a multiple of 1000. */
export const gpuMilliResource = 'optiflow.dev/gpu-milli'
/** On a pod: the numbers of its devices, `3` or `0,1`. Written with the binding; agents hand out these. */
export const gpuDevicesAnnotation = 'optiflow.dev/gpu-devices'
export const wholeDevice = 1_000
