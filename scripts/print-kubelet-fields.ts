/** Writes docs/kubelet-configuration.md: what each field of a KubeletConfiguration is here. `npm run kubelet-fields` */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { kubeletFieldsPage } from '../src/main/kubelet-file/page.ts'

writeFileSync(resolve(import.meta.dirname, '../docs/kubelet-configuration.md'), kubeletFieldsPage())
