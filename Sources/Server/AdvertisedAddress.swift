/// How clients are told to reach this registry.
package struct AdvertisedAddress: Hashable, Sendable {
    /// The first part of an image reference, such as `registry.example.com`; nil for the name that a request used.
    ///
    /// Empty for references without one, to images that are not going to stay here.
    package let authority: String?
    /// The address with its scheme; nil for plain HTTP at the authority.
    package let url: String?

    package init(authority: String?, url: String?) {
        self.authority = authority
        self.url = url
    }
}
