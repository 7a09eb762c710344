import type { ConformanceCase } from '../case.ts'
import { cancelCases } from './cancel.ts'
import { classCases } from './class.ts'
import { createCases } from './create.ts'
import { deleteCases } from './delete.ts'
import { faultCases } from './faults.ts'
import { identityCases } from './identity.ts'
import { initializeCases } from './initialize.ts'
import { limitCases } from './limits.ts'
import { listCases } from './list.ts'
import { restartCases } from './restart.ts'
import { secretCases } from './secrets.ts'
import { statusCases } from './status.ts'
import { volumeCases } from './volumes.ts'

/** All cases, in the order in which they run. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...identityCases,
  ...createCases,
  ...statusCases,
  ...deleteCases,
  ...listCases,
  ...initializeCases,
  ...classCases,
  ...secretCases,
  ...limitCases,
  ...volumeCases,
  ...restartCases,
  ...cancelCases,
  ...faultCases,
]
