/**
 * The shapes of Kubernetes objects that Latchkey reads. Objects travel as raw JSON: these types name the fields that are
 * read and leave every other field in place, so that nothing is lost in a read-modify-write.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Which fields of an object one writer has set, as paths of `f:` members. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  /** When it last did. */
  readonly time?: string;
  readonly fieldsV1?: { readonly [key: string]: Json };
}

export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly ManagedFields[];
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface Secret extends KubernetesObject {
  readonly type?: string;
  readonly immutable?: boolean;
  /** Base64, as on the wire. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Namespace extends KubernetesObject {
  readonly status?: { readonly phase?: string };
}

/** coordination.k8s.io/v1. Times are RFC 3339 with microseconds. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    /** Empty: its holder has let go of it. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** events.k8s.io/v1. */
export interface Event extends KubernetesObject {
  readonly eventTime: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly type: 'Normal' | 'Warning';
  readonly note: string;
  readonly regarding: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly uid: string;
  };
}

export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

interface SecretKeyRef {
  readonly name?: string;
  readonly key?: string;
  readonly optional?: boolean;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: SecretKeyRef; readonly configMapKeyRef?: { readonly name?: string } };
}

export interface Container {
  readonly name: string;
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly {
    readonly prefix?: string;
    readonly secretRef?: { readonly name?: string; readonly optional?: boolean };
    readonly configMapRef?: { readonly name?: string };
  }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly volumeDevices?: readonly { readonly name: string; readonly devicePath: string }[];
}

export interface SecretItem {
  readonly key: string;
  readonly path?: string;
  readonly mode?: number;
}

/** The plug-ins that name one Secret, by the field that names it (Kubernetes' `VisitPodSecretNames`). */
export interface Volume {
  readonly name: string;
  readonly secret?: {
    readonly secretName?: string;
    readonly items?: readonly SecretItem[];
    readonly defaultMode?: number;
    readonly optional?: boolean;
  };
  readonly emptyDir?: object;
  readonly projected?: {
    readonly sources?: readonly {
      readonly secret?: { readonly name?: string; readonly items?: readonly SecretItem[]; readonly optional?: boolean };
    }[];
  };
  readonly azureFile?: { readonly secretName?: string };
  readonly cephfs?: { readonly secretRef?: { readonly name?: string } };
  readonly cinder?: { readonly secretRef?: { readonly name?: string } };
  readonly flexVolume?: { readonly secretRef?: { readonly name?: string } };
  readonly iscsi?: { readonly secretRef?: { readonly name?: string } };
  readonly rbd?: { readonly secretRef?: { readonly name?: string } };
  readonly scaleIO?: { readonly secretRef?: { readonly name?: string } };
  readonly storageos?: { readonly secretRef?: { readonly name?: string } };
  readonly csi?: { readonly nodePublishSecretRef?: { readonly name?: string } };
}

export interface PodSpec {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly imagePullSecrets?: readonly { readonly name?: string }[];
  readonly os?: { readonly name?: string };
}

/** A pod at admission may have no name (generateName), uid or namespace yet. */
export interface Pod {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Partial<ObjectMeta>;
  readonly spec: PodSpec;
}
