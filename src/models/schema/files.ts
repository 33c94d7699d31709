/** Every schema file, by group version. */

import admissionregistrationV1 from '../schemas/admissionregistration-v1.data.json' with { type: 'json' }
import admissionregistrationV1alpha1 from '../schemas/admissionregistration-v1alpha1.data.json' with { type: 'json' }
import admissionregistrationV1beta1 from '../schemas/admissionregistration-v1beta1.data.json' with { type: 'json' }
import apidiscoveryV2 from '../schemas/apidiscovery-v2.data.json' with { type: 'json' }
import apiextensionsV1 from '../schemas/apiextensions-v1.data.json' with { type: 'json' }
import apiregistrationV1 from '../schemas/apiregistration-v1.data.json' with { type: 'json' }
import appsV1 from '../schemas/apps-v1.data.json' with { type: 'json' }
import authenticationV1 from '../schemas/authentication-v1.data.json' with { type: 'json' }
import authorizationV1 from '../schemas/authorization-v1.data.json' with { type: 'json' }
import autoscalingV1 from '../schemas/autoscaling-v1.data.json' with { type: 'json' }
import autoscalingV2 from '../schemas/autoscaling-v2.data.json' with { type: 'json' }
import batchV1 from '../schemas/batch-v1.data.json' with { type: 'json' }
import certificatesV1 from '../schemas/certificates-v1.data.json' with { type: 'json' }
import coordinationV1 from '../schemas/coordination-v1.data.json' with { type: 'json' }
import coreV1 from '../schemas/core-v1.data.json' with { type: 'json' }
import discoveryV1 from '../schemas/discovery-v1.data.json' with { type: 'json' }
import eventsV1 from '../schemas/events-v1.data.json' with { type: 'json' }
import flowcontrolV1 from '../schemas/flowcontrol-v1.data.json' with { type: 'json' }
import metaV1 from '../schemas/meta-v1.data.json' with { type: 'json' }
import metricsV1beta1 from '../schemas/metrics-v1beta1.data.json' with { type: 'json' }
import networkingV1 from '../schemas/networking-v1.data.json' with { type: 'json' }
import nodeV1 from '../schemas/node-v1.data.json' with { type: 'json' }
import optiflowV1 from '../schemas/optiflow-v1.data.json' with { type: 'json' }
import policyV1 from '../schemas/policy-v1.data.json' with { type: 'json' }
import rbacV1 from '../schemas/rbac-v1.data.json' with { type: 'json' }
import resourceV1beta1 from '../schemas/resource-v1beta1.data.json' with { type: 'json' }
import schedulingV1 from '../schemas/scheduling-v1.data.json' with { type: 'json' }
import schedulingV1alpha1 from '../schemas/scheduling-v1alpha1.data.json' with { type: 'json' }
import storageV1 from '../schemas/storage-v1.data.json' with { type: 'json' }
import storageV1beta1 from '../schemas/storage-v1beta1.data.json' with { type: 'json' }
import type { GroupData } from './data.ts'

export const schemaFiles = [
  admissionregistrationV1,
  admissionregistrationV1alpha1,
  admissionregistrationV1beta1,
  apidiscoveryV2,
  apiextensionsV1,
  apiregistrationV1,
  appsV1,
  authenticationV1,
  authorizationV1,
  autoscalingV1,
  autoscalingV2,
  batchV1,
  certificatesV1,
  coordinationV1,
  coreV1,
  discoveryV1,
  eventsV1,
  flowcontrolV1,
  metaV1,
  metricsV1beta1,
  networkingV1,
  nodeV1,
  optiflowV1,
  policyV1,
  rbacV1,
  resourceV1beta1,
  schedulingV1,
  schedulingV1alpha1,
  storageV1,
  storageV1beta1,
] as unknown as GroupData[]
