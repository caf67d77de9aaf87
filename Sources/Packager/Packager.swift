import Archive

/// Turns programs into images: bytes in, blobs and manifests out.
package struct Packager: Sendable {
    let baseFiles: BaseFiles
    let workers: WorkerPool

    /// What all images have in common is prepared when it is first needed, or by ``prepare()``.
    ///
    /// - Parameters:
    ///   - certificates: What images get as root certificates; nil where there are none to get.
    ///   - timeZones: What images get as time zones where they are asked for; nil where there are none to get. Called
    ///     once, when they are first asked for.
    ///   - workerCount: How many threads compress, for all images together; nil for one per processor.
    package init(
        certificates: CertificateBundle?,
        timeZones: @autoclosure @escaping @Sendable () -> TimeZones? = nil,
        workerCount: Int? = nil
    ) {
        baseFiles = BaseFiles(certificates: certificates, timeZones: Lazy(timeZones))
        workers = WorkerPool(workerCount: workerCount ?? WorkerPool.processorCount)
    }

    /// The certificates that images get.
    package var certificates: CertificateBundle? { baseFiles.certificates }

    /// Prepares what nearly all images have in common, which takes some tens of milliseconds.
    package func prepare() { baseFiles.prepare() }

    /// Begins an image; whatever is begun may be dropped at any time.
    package func begin(_ request: ImageRequest) -> ImageBuilder {
        ImageBuilder(request, baseFiles: baseFiles, workers: workers)
    }
}
