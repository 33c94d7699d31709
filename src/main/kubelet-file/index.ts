export { isKubeletFile, KubeletFiles } from './kubelet-files.ts'
