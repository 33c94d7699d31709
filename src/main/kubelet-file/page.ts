import { fixedFields } from './fixed-fields.ts'
import { honouredFields } from './honoured-fields.ts'

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')

/** The page of the documentation about kubelet's configuration. */
export const kubeletFieldsPage = (): string => `# A kubelet's configuration, field by field

\`--config FILE\` and the \`.conf\` files of \`--config-dir DIR\` may be a kubelet's: \`apiVersion: kubelet.config.k8s.io/v1beta1\`,
\`kind: KubeletConfiguration\`. They are merged as kubelet merges them, maps key by key and lists as a whole; flags and \`OPTIFLOW_*\` win
over them, and files of our own settings may stand among them. What they do not say is as [nodes](nodes.md) tells, which is not in all as a
kubelet has it: see the notes.

\`\`\`
optiflow agent --server https://10.0.0.1:6443 --config /var/lib/kubelet/config.yaml --config-dir /etc/kubernetes/kubelet.conf.d
\`\`\`

A field that has no effect is named at the start, with what to do about it, unless it says what holds anyway. The file is refused if it has a
field that kubelet 1.32 has not, or one that the node would be less safe without. What a node works by it tells in the same words:
\`kubectl get --raw /api/v1/nodes/NODE/proxy/configz\`.

This page is printed by \`npm run kubelet-fields\`.

## Honoured

${table(
  ['field', 'flag', ''],
  honouredFields.map(({ field, setting, note = '' }) => [`\`${field}\``, `\`--${setting}\``, note]),
)}

## Without effect

${table(
  ['field', 'here', 'who wants something else'],
  fixedFields.map(({ field, holds, instead, refused }) => [
    `\`${field}\``,
    holds,
    `${refused ? '**refused**: ' : ''}${instead}`,
  ]),
)}
`
