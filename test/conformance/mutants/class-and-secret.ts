import { type JsonObject, type MachineClass, MachineError, type Secret } from '@mcm/sdk'
import type { MiniCaller, MiniCloudError } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import type { Args, Mutant } from './mutant.ts'

/** Wrong about what is wrong with a class or a Secret. */
export const classAndSecretMutants: Mutant[] = [
  {
    id: 'invalid-is-internal',
    title: 'answers Internal for an invalid providerSpec',
    fails: ['class-invalid-refused', 'class-invalid-paths', 'class-unknown-field', 'class-invalid-no-cloud-call'],
    Driver: class extends MiniDriver {
      override checkClass(machineClass: MachineClass) {
        if (machineClass.provider !== 'mini') return super.checkClass(machineClass)
        const [first] = this.violationsOf(machineClass.providerSpec ?? {})
        if (first) throw new MachineError('Internal', `${first.path} ${first.message}`, { violations: [first] })
      }
    },
  },
  {
    id: 'first-violation-only',
    title: 'names the first violation only',
    fails: ['class-invalid-paths', 'validate-class'],
    Driver: class extends MiniDriver {
      override violationsOf(spec: JsonObject) {
        return super.violationsOf(spec).slice(0, 1)
      }
    },
  },
  {
    id: 'no-violations',
    title: 'says what is wrong with a class in the text only',
    fails: ['class-invalid-paths'],
    Driver: class extends MiniDriver {
      override checkClass(machineClass: MachineClass) {
        try {
          super.checkClass(machineClass)
        } catch (error) {
          throw new MachineError('InvalidArgument', (error as Error).message)
        }
      }
    },
  },
  {
    id: 'ignores-unknown-fields',
    title: 'ignores fields of providerSpec that it does not know',
    fails: ['class-unknown-field'],
    Driver: class extends MiniDriver {
      override violationsOf(spec: JsonObject) {
        return super.violationsOf(spec).filter(({ message }) => message !== 'is not known')
      }
    },
  },
  {
    id: 'refuses-what-it-declares-ignored',
    title: 'refuses fields of providerSpec that it does not know, and declares that it ignores them',
    fails: ['class-unknown-field'],
    declares: { unknownFields: 'ignored' },
    Driver: MiniDriver,
  },
  {
    id: 'makes-another-vm-for-unknown-fields',
    title: 'ignores fields of providerSpec that it does not know, but makes another VM for them',
    fails: ['class-unknown-field'],
    declares: { unknownFields: 'ignored' },
    Driver: class extends MiniDriver {
      override violationsOf(spec: JsonObject) {
        return super.violationsOf(spec).filter(({ message }) => message !== 'is not known')
      }
      override async make(caller: MiniCaller, request: Args<'createMachine'>[0], name: string) {
        const { cluster, conformanceUnknown } = request.machineClass.providerSpec as JsonObject
        this.#suffix = conformanceUnknown ? `${cluster}-odd` : ''
        return await super.make(caller, request, name)
      }
      #suffix = ''
      override tokenOf(cluster: string, name: string) {
        return super.tokenOf(cluster, name + this.#suffix)
      }
    },
  },
  {
    id: 'asks-before-it-checks',
    title: 'calls the cloud before it checks the class',
    fails: ['class-invalid-no-cloud-call'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const [request, options] = args
        if (request.secret?.data?.token?.length) {
          await this.inCloud('createMachine', request, options, (caller) => this.all(caller, 'any')).catch(() => {})
        }
        return await super.createMachine(...args)
      }
    },
  },
  {
    id: 'needs-the-cloud-to-check',
    title: 'cannot tell that a class is wrong while the cloud is away',
    fails: ['class-invalid-no-cloud-call'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const [request, options] = args
        await this.inCloud('createMachine', request, options, (caller) => this.all(caller, 'any'))
        return await super.createMachine(...args)
      }
    },
  },
  {
    id: 'validates-nothing',
    title: 'finds every class valid in ValidateMachineClass',
    fails: ['validate-class'],
    Driver: class extends MiniDriver {
      override async validateMachineClass() {
        return { violations: [] }
      }
    },
  },
  {
    id: 'missing-key-is-internal',
    title: 'stumbles over a missing Secret key',
    fails: ['secret-key-missing'],
    Driver: class extends MiniDriver {
      override credentialOf(secret: Secret | undefined) {
        if (!secret?.data?.token?.length) throw new TypeError("cannot read 'token' of undefined")
        return super.credentialOf(secret)
      }
    },
  },
  {
    id: 'missing-key-unnamed',
    title: 'does not say which Secret key is missing',
    fails: ['secret-key-missing'],
    Driver: class extends MiniDriver {
      override credentialOf(secret: Secret | undefined) {
        if (!secret?.data?.token?.length) throw new MachineError('InvalidArgument', 'the Secret is incomplete')
        return super.credentialOf(secret)
      }
    },
  },
  {
    id: 'bad-credentials-are-internal',
    title: 'answers Internal when the cloud refuses the credentials',
    fails: [
      'secret-malformed',
      'fault-unauthorised',
      'fault-delete-is-told',
      'fault-status-is-told',
      'fault-list-is-told',
    ],
    Driver: class extends MiniDriver {
      override errorOf(error: MiniCloudError) {
        return error.status === 401 ? new MachineError('Internal', error.message) : super.errorOf(error)
      }
    },
  },
  {
    id: 'token-in-error',
    title: 'repeats the credential in an error',
    fails: ['secrets-stay-secret'],
    Driver: class extends MiniDriver {
      override async inCloud<T>(...args: Parameters<typeof MiniDriver.prototype.inCloud<T>>) {
        const token = Buffer.from(args[1].secret?.data?.token ?? []).toString()
        return await super.inCloud(...args).catch((error: MachineError) => {
          throw error.code === 'Unauthenticated' ? new MachineError('Unauthenticated', `refused: ${token}`) : error
        })
      }
    },
  },
  {
    id: 'token-in-rare-error',
    title: 'repeats the credential in the error of a cloud that throttles',
    fails: ['secrets-stay-secret'],
    Driver: class extends MiniDriver {
      override async inCloud<T>(...args: Parameters<typeof MiniDriver.prototype.inCloud<T>>) {
        const token = Buffer.from(args[1].secret?.data?.token ?? []).toString()
        return await super.inCloud(...args).catch((error: MachineError) => {
          throw error.reason === 'Throttled' ? new MachineError('Unavailable', `429 for ${token}`) : error
        })
      }
    },
  },
  {
    id: 'user-data-in-log',
    title: 'logs the user data',
    fails: ['secrets-stay-secret'],
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        const userData = super.userDataOf(secret)
        this.log(`user data: ${Buffer.from(userData).toString()}`)
        return userData
      }
    },
  },
  {
    id: 'secret-in-answer',
    title: 'answers the whole request as lastKnownState',
    fails: ['secrets-stay-secret'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const vm = await super.createMachine(...args)
        return { ...vm, lastKnownState: Buffer.from(args[0].secret?.data?.userData ?? []).toString('base64') }
      }
    },
  },
]
