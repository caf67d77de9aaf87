import HTTPTypes
import OCI
import Storage

/// What a request asks for: the outcome of routing.
///
/// The numbers are those of the distribution specification's table of endpoints.
enum Endpoint: Hashable, Sendable {
    /// end-1
    case checkSupport
    /// end-2, by GET or HEAD
    case readBlob(RepositoryName, Digest)
    /// end-10
    case deleteBlob(RepositoryName, Digest)
    /// end-4a, end-4b, end-4c, end-11
    case startUpload(RepositoryName)
    /// end-13
    case readUpload(RepositoryName, UploadID)
    /// end-5
    case appendToUpload(RepositoryName, UploadID)
    /// end-6
    case finishUpload(RepositoryName, UploadID)
    /// end-14
    case cancelUpload(RepositoryName, UploadID)
    /// end-3, by GET or HEAD
    case readManifest(RepositoryName, Reference)
    /// end-7a, end-7b
    case pushManifest(RepositoryName, Reference)
    /// end-9
    case deleteManifest(RepositoryName, Reference)
    /// end-8a, end-8b
    case listTags(RepositoryName)
    /// end-12a, end-12b
    case listReferrers(RepositoryName, Digest)
    /// Not in the specification, but in every registry: the list of repositories.
    case listRepositories
    /// Makes an image of the executable in the request's content. The path as written, its last part a file name or
    /// an image's name.
    case packageExecutable([String])
    /// What is known of an image, or the executable that it was made of; by GET or HEAD.
    case readImage(ImageName)
    /// Removes a tag, or an image by its digest.
    case deleteImage(ImageName)
    /// What this server is, for somebody who looks.
    case welcome
    case health
    /// Only on the socket beside the storage folder.
    case administer(AdministrationEndpoint)
}

/// What the commands ask the owner of a storage folder.
enum AdministrationEndpoint: Hashable, Sendable {
    case listImages
    case inspectImage
    case listUploads
    case export
    case collect
    case importDistribution
    case verify
    case backUp
}

/// Why a request asks for nothing that there is.
enum EndpointError: Error, Equatable {
    case malformedPath
    case malformedQuery
    case unknownPath
    case methodNotAllowed(allowed: [HTTPRequest.Method])
    case repositoryName(RepositoryNameError)
    case reference(ReferenceError)
    /// No manifest has such a tag, as none can be given it.
    case impossibleTag(TagError)
    case digest(DigestError)
    /// No image has such a name, as none can be given it.
    case impossibleImage(ImageNameError)
    case uploadID
    case reservedName
}
