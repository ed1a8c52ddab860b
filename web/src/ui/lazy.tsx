import { type ComponentType, type ReactNode, useEffect, useState } from "react";

/**
 * A part that is loaded when it is first needed, or ahead of that. React's own lazy() hides a part for 300 ms even when
 * its code is there already.
 */
export interface Part<P> {
  load: () => Promise<void>;
  Part: (props: P & { fallback: ReactNode }) => ReactNode;
}

export function part<P extends object>(fetchModule: () => Promise<{ default: ComponentType<P> }>): Part<P> {
  let loaded: ComponentType<P> | undefined;
  let loading: Promise<void> | undefined;
  const load = () => {
    loading ??= fetchModule().then(
      (module) => void (loaded = module.default),
      (reason: unknown) => {
        loading = undefined; // Another try may work.
        throw reason;
      },
    );
    return loading;
  };
  function Part({ fallback, ...props }: P & { fallback: ReactNode }) {
    const [, again] = useState(0);
    const [failure, setFailure] = useState<unknown>(null);
    useEffect(() => {
      if (!loaded) load().then(() => again(1), setFailure);
    }, []);
    if (failure) throw failure; // For the guard around the place.
    const Loaded = loaded;
    return Loaded ? <Loaded {...(props as unknown as P)} /> : fallback;
  }
  return { load, Part };
}
