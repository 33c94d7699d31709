type Grpc = typeof import('@grpc/grpc-js')

/**
 * gRPC's own package, for what our client does not do: servers, and clients over TCP. Loaded when it is first needed, which on most
 * nodes is never. Bundled as a module all of it is in the default export; in a script, as `optiflow up` is one, there is none.
 */
export const loadGrpc = (): Promise<Grpc> =>
  import('@grpc/grpc-js').then(loaded => (loaded.default as Grpc | undefined) ?? loaded)
