import { expect, test } from 'vitest'
import { acceptedForm, type Offer, readsYaml } from './accept.ts'

const one: Offer = { transforms: ['Table', 'PartialObjectMetadata'], protobuf: true }
const protobuf = 'application/vnd.kubernetes.protobuf'
const table = ';as=Table;v=v1;g=meta.k8s.io'

test.each<[string, Offer, string]>([
  ['text/html, */*;q=0.8', one, 'json'],
  [`application/json;q=0.5,${protobuf};q=0.9`, one, 'protobuf'],
  [`${protobuf};q=0,application/yaml`, one, 'yaml'],
  [`${protobuf},application/json`, { ...one, protobuf: false }, 'json'],
  [`application/json${table},application/json`, one, 'json Table v1'],
  [`application/json${table},application/json`, {}, 'json'],
  [`${protobuf}${table},application/json;q=0.1`, one, 'json'],
  [`${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1`, one, 'protobuf PartialObjectMetadata v1beta1'],
  ['application/json;stream=watch;as=Table;g=meta.k8s.io;v=v1beta1', { ...one, stream: true }, 'json Table v1beta1'],
  ['application/json,application/yaml', { ...one, stream: true }, 'json'],
  ['application/json;q=0', one, 'json'],
  ['application/yaml;q=x,application/json;q=0.1', one, 'json'],
  [
    'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    { ...one, stream: true },
    'json PartialObjectMetadata v1',
  ],
])('%s of %j is %s', (accept, offer, form) => {
  const { media, as, version } = acceptedForm(accept, offer)
  expect(as ? `${media} ${as} ${version}` : media).toBe(form)
})

const plain = 'application/json, application/yaml'
test.each<[string, Offer, string]>([
  [`${protobuf}${table}`, one, `${plain}, ${protobuf}`],
  ['application/cbor', one, `${plain}, ${protobuf}`],
  [protobuf, {}, plain],
  ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1alpha1', one, `${plain}, ${protobuf}`],
  ['application/json;as=PartialObjectMetadata;g=k8s.io;v=v1', one, `${plain}, ${protobuf}`],
  ['application/json;as=Table;g=meta.k8s.io', one, `${plain}, ${protobuf}`],
  ['application/json;as=PartialObject;g=meta.k8s.io;v=v1', one, `${plain}, ${protobuf}`],
  ['application/json;g=meta.k8s.io;v=v1', one, `${plain}, ${protobuf}`],
  [
    'application/json;q=0.1,application/yaml;q=0.9',
    { ...one, stream: true },
    `application/json;stream=watch, ${protobuf};stream=watch`,
  ],
  [
    'application/yaml;as=Table;g=meta.k8s.io;v=v1',
    { ...one, stream: true },
    `application/json;stream=watch, ${protobuf};stream=watch`,
  ],
])('%s of %j cannot be, and what can is said', (accept, offer, types) => {
  const message = `only the following media types are accepted: ${types}`
  expect(() => acceptedForm(accept, offer)).toThrow(expect.objectContaining({ code: 406, message }))
})

test.each([
  ['application/yaml', true],
  ['application/yaml;q=0.5, text/plain', true],
  ['application/json, application/yaml', false],
  ['text/yaml', false],
  [undefined, false],
])('who accepts %s reads errors as YAML: %s', (accept, yaml) => {
  expect(readsYaml(accept)).toBe(yaml)
})
