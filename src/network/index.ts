export * from './cni-config.ts'
export * from './pod-network.ts'
export * from './routes.ts'
