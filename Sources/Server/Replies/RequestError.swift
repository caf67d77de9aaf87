import OCI

/// What is wrong with a request beyond its path: with its headers, its query, or where it comes from.
enum RequestError: Error, Equatable {
    /// Or several.
    case missingHost
    /// A name that this server does not answer to.
    case foreignHost(String)
    /// A page of another web site wants to change something.
    case foreignOrigin
    case malformedContentType(MediaTypeError)
    /// `size` is the blob's, in bytes.
    case unsatisfiableRange(size: Int64)
    case missingDigest
    /// A field that announces a digest, by its name, and what is wrong in it.
    case malformedDigestField(String, String)
    /// Two digests of one algorithm for the same content.
    case contradictingDigests(SupportedAlgorithm)
    /// Content that is encoded, in a way that nobody here undoes.
    case contentEncoding(String)
    /// `?tag=` where the path has a tag itself.
    case tagsBesideTag
    case tooManyTags(limit: Int)
    case imageName(ImageNameError)
    /// Content that does not begin where the upload session stands.
    case wrongOffset(message: String, UploadFields)
}
