import Archive

/// Turns programs into images: bytes in, blobs and manifests out.
package struct Packager: Sendable {
    let baseFiles: BaseFiles
    let workers: WorkerPool

    /// Prepares what all images have in common, which takes some tens of milliseconds.
    ///
    /// - Parameters:
    ///   - certificates: What images get as root certificates; nil where there are none to get.
    ///   - timeZones: What images get as time zones where they are asked for; nil where there are none to get.
    ///   - workerCount: How many threads compress, for all images together; nil for one per processor.
    package init(certificates: CertificateBundle?, timeZones: TimeZones? = nil, workerCount: Int? = nil) {
        baseFiles = BaseFiles(certificates: certificates, timeZones: timeZones)
        workers = WorkerPool(workerCount: workerCount ?? WorkerPool.processorCount)
    }

    /// The certificates that images get.
    package var certificates: CertificateBundle? { baseFiles.certificates }

    /// Begins an image; whatever is begun may be dropped at any time.
    package func begin(_ request: ImageRequest) -> ImageBuilder {
        ImageBuilder(request, baseFiles: baseFiles, workers: workers)
    }
}
