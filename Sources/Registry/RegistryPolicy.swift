/// What a registry's owner decides.
package struct RegistryPolicy: Hashable, Sendable {
    /// How long a blob stays that no manifest refers to.
    ///
    /// A push uploads its blobs before its manifest; in between nothing else holds them.
    package var grace: Duration
    /// The most bytes of one blob or uploaded executable; nil for no limit.
    package var maximumUploadSize: Int64?

    package init(grace: Duration = .seconds(24 * 3600), maximumUploadSize: Int64? = nil) {
        self.grace = grace
        self.maximumUploadSize = maximumUploadSize
    }
}
