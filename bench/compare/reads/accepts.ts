const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const partial = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

/** Forms of an answer that clients ask for, and some that there are not. */
export const accepts: readonly string[] = [
  ...['*/*', 'application/*', 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
  ...[table, `${table},application/json`, `application/json;as=Table;v=v1beta1;g=meta.k8s.io`, partial],
  ...[
    'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    'application/yaml;as=Table;v=v1;g=meta.k8s.io',
  ],
  ...['application/json;as=Table;v=v2;g=meta.k8s.io', 'application/json;as=Nothing;v=v1;g=meta.k8s.io'],
  ...['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch', 'application/json;pretty=1'],
  ...['text/html', 'text/plain', 'application/cbor', 'application/json;q=0.1,application/yaml;q=0.9', 'nonsense'],
]
