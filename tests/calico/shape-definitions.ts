/*
 * The definitions of Calico's manifest that no stub uses, in the form that Calico's have as far as an API server can tell: the
 * names, the rules (CEL) and the kinds of lists are of its, the fields are those that show them.
 */
const group = 'crd.projectcalico.org'
const text = { type: 'string' }
const flag = { type: 'boolean' }
const number = { type: 'number' }
const wholeNumber = { type: 'integer', format: 'int32' }
const list = (items: object, more: object = {}) => ({ type: 'array', items, ...more })
const set = (items: object) => list(items, { 'x-kubernetes-list-type': 'set' })
const record = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const numberOrText = { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true }
const rules = (...all: [rule: string, message: string, reason?: string][]) => ({
  'x-kubernetes-validations': all.map(([rule, message, reason]) => ({ rule, message, ...(reason ? { reason } : {}) })),
})

const sidesOfRule = record({
  selector: text,
  nets: set(text),
  ports: list(numberOrText),
  notPorts: list(numberOrText),
  services: record({ name: text, namespace: text }),
})
const policyRule = record(
  {
    action: { type: 'string', enum: ['Allow', 'Deny', 'Log', 'Pass'] },
    protocol: { ...numberOrText, pattern: '^.*$' },
    http: record({ methods: set(text) }),
    icmp: record(
      { type: wholeNumber, code: wholeNumber },
      rules(['!has(self.code) || has(self.type)', 'an ICMP code needs a type', 'FieldValueInvalid']),
    ),
    source: sidesOfRule,
    destination: sidesOfRule,
  },
  {
    required: ['action'],
    ...rules(
      ["self.action == 'Allow' || !has(self.http)", 'only what is allowed looks into HTTP', 'FieldValueForbidden'],
      [
        "!has(self.http) || !has(self.protocol) || self.protocol == 'TCP' || self.protocol == 6",
        'HTTP goes by TCP',
        'FieldValueInvalid',
      ],
      [
        '!has(self.destination) || !has(self.destination.services) || !has(self.destination.ports) || size(self.destination.ports) == 0',
        'a Service says its ports itself',
        'FieldValueForbidden',
      ],
    ),
  },
)
const stagedPolicy = {
  tier: { ...text, default: 'default' },
  order: number,
  selector: text,
  types: set({ type: 'string', enum: ['Ingress', 'Egress'] }),
  stagedAction: { type: 'string', enum: ['Set', 'Delete', 'Learn', 'Ignore'] },
  ingress: list(policyRule),
  egress: list(policyRule),
}
const filterRule = record(
  {
    action: { type: 'string', enum: ['Accept', 'Reject'] },
    cidr: { ...text, format: 'cidr' },
    matchOperator: { type: 'string', enum: ['Equal', 'NotEqual', 'In', 'NotIn'] },
    prefixLength: record({ min: wholeNumber, max: wholeNumber }),
  },
  {
    required: ['action'],
    ...rules(
      ['has(self.cidr) == has(self.matchOperator)', 'cidr and matchOperator go together', 'FieldValueInvalid'],
      ['!has(self.prefixLength) || has(self.cidr)', 'prefixLength needs a cidr', 'FieldValueInvalid'],
    ),
  },
)
const filterRules = list(filterRule)

const spec: Record<string, object> = {
  BGPConfiguration: record(
    {
      asNumber: { type: 'integer', format: 'int32' },
      nodeToNodeMeshEnabled: flag,
      nodeMeshMaxRestartTime: text,
      serviceClusterIPs: list(record({ cidr: text })),
    },
    rules([
      '!has(self.nodeMeshMaxRestartTime) || !has(self.nodeToNodeMeshEnabled) || self.nodeToNodeMeshEnabled == true',
      'the restart time is of the mesh',
      'FieldValueForbidden',
    ]),
  ),
  BGPFilter: record({ exportV4: filterRules, importV4: filterRules }),
  GlobalNetworkSet: record({ nets: set(text) }),
  NetworkSet: record({ nets: set(text) }),
  HostEndpoint: record(
    {
      node: text,
      interfaceName: text,
      expectedIPs: set(text),
      ports: list(record({ name: text, port: wholeNumber, protocol: numberOrText })),
    },
    rules(
      ['has(self.node) && size(self.node) > 0', 'a host endpoint is of a node', 'FieldValueInvalid'],
      ['has(self.interfaceName) || has(self.expectedIPs)', 'an interface or an address', 'FieldValueInvalid'],
    ),
  ),
  IPAMConfig: record(
    { autoAllocateBlocks: flag, strictAffinity: flag, maxBlocksPerHost: { ...wholeNumber, minimum: 0 } },
    { required: ['autoAllocateBlocks', 'strictAffinity'] },
  ),
  IPReservation: record({ reservedCIDRs: set({ ...text, format: 'cidr' }) }),
  KubeControllersConfiguration: record({
    controllers: record({ node: record({ syncLabels: text, leakGracePeriod: text }) }),
    healthChecks: { ...text, default: 'Enabled' },
  }),
  StagedGlobalNetworkPolicy: record(
    { ...stagedPolicy, doNotTrack: flag, preDNAT: flag, applyOnForward: flag },
    rules(
      [
        '!((has(self.doNotTrack) && self.doNotTrack) && (has(self.preDNAT) && self.preDNAT))',
        'only one of doNotTrack and preDNAT',
        'FieldValueForbidden',
      ],
      [
        "(!has(self.preDNAT) || !self.preDNAT) || !has(self.types) || !self.types.exists(t, t == 'Egress')",
        'before DNAT there is no egress',
        'FieldValueForbidden',
      ],
    ),
  ),
  StagedNetworkPolicy: record(stagedPolicy),
  StagedKubernetesNetworkPolicy: record({
    podSelector: record({ matchLabels: { type: 'object', additionalProperties: text } }),
    policyTypes: list(text),
    stagedAction: text,
  }),
}
const plurals: Record<string, string> = {
  GlobalNetworkSet: 'globalnetworksets',
  StagedGlobalNetworkPolicy: 'stagedglobalnetworkpolicies',
  StagedNetworkPolicy: 'stagednetworkpolicies',
  StagedKubernetesNetworkPolicy: 'stagedkubernetesnetworkpolicies',
}
const namespaced = new Set(['NetworkSet', 'StagedNetworkPolicy', 'StagedKubernetesNetworkPolicy'])

const selector = record(
  {
    matchLabels: { type: 'object', additionalProperties: text },
    matchExpressions: list(
      record({ key: text, operator: text, values: list(text) }, { required: ['key', 'operator'] }),
      {
        'x-kubernetes-list-type': 'atomic',
      },
    ),
  },
  { 'x-kubernetes-map-type': 'atomic' },
)
const one = { minProperties: 1, maxProperties: 1 }
const port = record(
  {
    number: { ...wholeNumber, minimum: 1, maximum: 65535 },
    range: record(
      { start: wholeNumber, end: wholeNumber },
      { required: ['start', 'end'], ...rules(['self.start < self.end', 'it ends before it starts']) },
    ),
  },
  one,
)
const pods = record({ namespaceSelector: selector, podSelector: selector }, { required: ['podSelector'] })
const clusterRule = (peers: 'from' | 'to') =>
  record(
    {
      name: { ...text, maxLength: 100 },
      action: { type: 'string', enum: ['Accept', 'Deny', 'Pass'] },
      protocols: list(record({ tcp: record({ destinationPort: port }), udp: record({ destinationPort: port }) }, one), {
        maxItems: 25,
      }),
      [peers]: list(
        record(
          {
            namespaces: selector,
            pods,
            ...(peers === 'to'
              ? {
                  networks: {
                    ...set({ ...text, maxLength: 43, ...rules(['isCIDR(self)', 'no network']) }),
                    maxItems: 25,
                  },
                }
              : {}),
          },
          one,
        ),
        { minItems: 1, maxItems: 25 },
      ),
    },
    { required: ['action', peers] },
  )
const clusterNetworkPolicy = record(
  {
    spec: record(
      {
        tier: { type: 'string', enum: ['Admin', 'Baseline'] },
        priority: { ...wholeNumber, minimum: 0, maximum: 1000 },
        subject: record({ namespaces: selector, pods }, one),
        ingress: list(clusterRule('from'), { maxItems: 25 }),
        egress: list(clusterRule('to'), { maxItems: 25 }),
      },
      { required: ['tier', 'priority', 'subject'] },
    ),
    status: record({
      conditions: list(record({ type: text, status: text }, { required: ['type', 'status'] }), {
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    }),
  },
  { required: ['spec'] },
)

function calicoDefinition(kind: string): object {
  const plural = plurals[kind] ?? `${kind.toLowerCase()}s`
  const withStatus = kind === 'KubeControllersConfiguration'
  const status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      preserveUnknownFields: false,
      scope: namespaced.has(kind) ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: record({ spec: spec[kind], ...(withStatus ? { status } : {}) }) },
          ...(withStatus ? { subresources: { status: {} } } : {}),
        },
      ],
    },
  }
}

const clusterNetworkPolicyDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: 'clusternetworkpolicies.policy.networking.k8s.io',
    // A group below k8s.io is only served with a word of who allowed it.
    annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/network-policy-api/pull/347' },
  },
  spec: {
    group: 'policy.networking.k8s.io',
    names: {
      kind: 'ClusterNetworkPolicy',
      listKind: 'ClusterNetworkPolicyList',
      plural: 'clusternetworkpolicies',
      shortNames: ['cnp'],
      singular: 'clusternetworkpolicy',
    },
    scope: 'Cluster',
    versions: [
      {
        name: 'v1alpha2',
        served: true,
        storage: true,
        additionalPrinterColumns: [
          { name: 'Tier', type: 'string', jsonPath: '.spec.tier' },
          { name: 'Priority', type: 'string', jsonPath: '.spec.priority' },
        ],
        schema: { openAPIV3Schema: clusterNetworkPolicy },
        subresources: { status: {} },
      },
    ],
  },
}

/** With the eleven of shape.yaml these are the 23 definitions of v3.32.1. */
export const moreDefinitions: readonly object[] = [
  ...Object.keys(spec).map(calicoDefinition),
  clusterNetworkPolicyDefinition,
]
