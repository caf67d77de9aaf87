package import Logging
package import Packager
package import Storage

/// What a push, a pull, a mount and a delete do to blobs and names.
///
/// It speaks no HTTP: the server, and any other way in, calls the same methods. Each throws `RegistryError` for what
/// the client asked wrongly and `StorageError` for what cannot be kept or read.
package struct Registry: Sendable {
    let blobs: any BlobStore
    let catalog: any Catalog
    let packager: Packager
    package let clock: WallClock
    let leases = UploadLeases()
    let sessions = SessionCensus()
    let logger: Logger
    /// What the owner of this registry decided.
    package let policy: RegistryPolicy

    package init(
        blobs: any BlobStore,
        catalog: any Catalog,
        packager: Packager,
        policy: RegistryPolicy = RegistryPolicy(),
        clock: @escaping WallClock = { .now },
        logger: Logger
    ) {
        self.blobs = blobs
        self.catalog = catalog
        self.packager = packager
        self.policy = policy
        self.clock = clock
        self.logger = logger
    }

    /// Until when what is pushed or promised now stays without a manifest that refers to it.
    var keptUntil: Timestamp { clock() + policy.grace }
}
