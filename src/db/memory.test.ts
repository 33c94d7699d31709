import { storeConformance } from './conformance/index.ts'
import { openMemoryStore } from './memory.ts'

storeConformance('memory', clock => openMemoryStore({ clock, bufferedEvents: 64 }))
