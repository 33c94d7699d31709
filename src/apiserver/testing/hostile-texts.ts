const token = (text: string) => Buffer.from(text).toString('base64url')

/** What queries and names are filled with. */
export const oddTexts: readonly string[] = [
  ...['', '0', '-1', '1', 'true', 'All', 'x', '..', '%2e%2e', '\0', '__proto__', 'constructor', '99999999999999999999'],
  ...['a=b', 'a in (b,c)', '!a', 'a>1', '((((', 'metadata.name=a', 'spec.nodeName!=', 'a\\,b=c', ','.repeat(500)],
  `a in (${Array.from({ length: 2_000 }, (_, i) => `v${i}`).join()})`,
  Array.from({ length: 1_000 }, (_, i) => `k${i}=v`).join(),
  `${'a'.repeat(40_000)}!`,
  token('{"v":"meta.k8s.io/v1","rv":1,"start":"../../\\u0000"}'),
  token('{"v":"meta.k8s.io/v1","rv":9007199254740993,"start":"a\\u0000"}'),
  token('{"v":"meta.k8s.io/v1","rv":-1,"start":"default/a\\u0000"}'),
]

const nested = (open: string, close: string, n: number) => `${open.repeat(n)}1${close.repeat(n)}`

/** Bodies that are small, or look harmless, and would cost a careless server much. */
export const bombs: readonly string[] = [
  nested('[', ']', 100_000),
  nested('{"a":', '}', 5_000),
  `{"metadata":${nested('{"a":', '}', 195)}}`,
  `{"metadata":{"name":"a","labels":{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":"v"`).join()}}}}`,
  `{"metadata":{"name":"a","annotations":{"a":"${'x'.repeat(2_000_000)}"}}}`,
  `{"metadata":{"name":"a","finalizers":[${Array.from({ length: 20_000 }, (_, i) => `"x.y/${i}"`).join()}]}}`,
  'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]',
  `a: ${'['.repeat(3_000)}`,
  `${'- '.repeat(5_000)}a`,
  `[${Array.from({ length: 10_001 }, () => '{"op":"add","path":"/a","value":1}').join()}]`,
  `[${Array.from({ length: 10_000 }, () => '{"op":"add","path":"/metadata/finalizers/0","value":"a/b"}').join()}]`,
  `[${Array.from({ length: 60 }, (_, i) => `{"op":"copy","from":"/metadata","path":"/metadata/x${i}"}`).join()}]`,
  '{"__proto__":{"polluted":1},"metadata":{"__proto__":{"polluted":1},"labels":{"__proto__":"x","constructor":"y"}}}',
  '{"$patch":"replace","spec":null}',
  '{"$patch":"delete"}',
  '{"metadata":{"$deleteFromPrimitiveList/finalizers":[{}],"$setElementOrder/finalizers":"x","$retainKeys":[null]}}',
  '{"metadata":{"name":"a","managedFields":[{"manager":"x","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:a":7,"k:{":{}}}]}}',
  '{"metadata":{"name":"a","managedFields":[{"operation":"Update","fieldsV1":{"v:[":null,"i:-1":[],".":{}},"fieldsType":"FieldsV1"}]}}',
]
