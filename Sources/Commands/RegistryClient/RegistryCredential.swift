/// How to say to a registry who one is.
///
/// Its text shows nothing of it, so that none gets into a message.
enum RegistryCredential: Hashable, Sendable {
    case password(user: String, password: String)
    /// A refresh token, which a token server takes in exchange for others.
    case identityToken(String)
    /// What the registry takes as it stands.
    case registryToken(String)
}

extension RegistryCredential: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "a credential" }
    var debugDescription: String { description }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// A credential, and where it was found.
struct FoundCredential: Sendable {
    let credential: RegistryCredential
    /// A file, or the program that was asked.
    let place: String
}
