"""Files of ops that are read when one of their names is wanted, and those names. scripts/build_waiting.py writes the list."""

from __future__ import annotations

from typing import NamedTuple


class File(NamedTuple):
    """What a file of tcalc/engine/ops declares, names with blanks between them."""

    ops: str  # declarations
    names: str  # public names, aliases among them
    functions: str  # those of the names that are functions of torch itself
    methods: str  # attributes of tensors, in-place forms among them
    namespaces: str  # where else it has functions


FILES: dict[str, File] = {
    "activation": File(
        "bilinear celu cosine_similarity elu glu hardshrink hardsigmoid hardswish hardtanh logsigmoid mish pairwise_distance "
        "prelu prelu_kernel relu6 rrelu rrelu_with_noise selu softmin softshrink softsign tanhshrink threshold",
        "bilinear celu cosine_similarity elu glu hardshrink hardsigmoid hardswish hardtanh logsigmoid mish pairwise_distance "
        "prelu prelu_kernel relu6 rrelu rrelu_with_noise selu softmin softshrink softsign tanhshrink threshold",
        "",
        "hardshrink prelu",
        "torch.nn.functional",
    ),
    "arranging": File(
        "flip movedim roll rot90 unflatten",
        "flip moveaxis movedim roll rot90 unflatten",
        "flip moveaxis movedim roll rot90 unflatten",
        "flip moveaxis movedim roll rot90 unflatten",
        "",
    ),
    "assembly": File(
        "atleast_1d atleast_1d_of atleast_2d atleast_2d_of atleast_3d atleast_3d_of block_diag cartesian_prod column_stack "
        "combinations cumulative_trapezoid diagflat dsplit dsplit_at dstack fliplr flipud hsplit hsplit_at inner kron "
        "sum_to_size tensor_split tensor_split_at tensor_split_by trapezoid vsplit vsplit_at",
        "atleast_1d atleast_2d atleast_3d block_diag cartesian_prod column_stack combinations cumulative_trapezoid diagflat "
        "dsplit dstack fliplr flipud hsplit inner kron sum_to_size tensor_split trapezoid vsplit",
        "atleast_1d atleast_2d atleast_3d block_diag cartesian_prod column_stack combinations cumulative_trapezoid diagflat "
        "dsplit dstack fliplr flipud hsplit inner kron sum_to_size tensor_split trapezoid vsplit",
        "diagflat dsplit fliplr flipud hsplit inner kron sum_to_size tensor_split vsplit",
        "",
    ),
    "attention": File(
        "attention_of_heads multi_head_attention_forward safe_softmax scaled_dot_product_attention",
        "attention_of_heads multi_head_attention_forward safe_softmax scaled_dot_product_attention",
        "",
        "",
        "torch.nn.functional",
    ),
    "bessel": File(
        "i0 special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1 special_i0e special_i1 "
        "special_i1e special_modified_bessel_i0 special_modified_bessel_i1 special_modified_bessel_k0 "
        "special_modified_bessel_k1 special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1 "
        "special_spherical_bessel_j0",
        "i0 special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1 special_i0e special_i1 "
        "special_i1e special_modified_bessel_i0 special_modified_bessel_i1 special_modified_bessel_k0 "
        "special_modified_bessel_k1 special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1 "
        "special_spherical_bessel_j0",
        "i0",
        "i0 i0_",
        "torch.special",
    ),
    "choosing": File(
        "addcdiv addcmul clamp clamp_given clamp_high clamp_low clamp_max clamp_max_tensor clamp_min clamp_min_tensor "
        "clamp_tensor copysign heaviside lerp lerp_tensor masked_fill masked_fill_tensor maximum minimum nan_to_num where "
        "where_places",
        "addcdiv addcmul clamp clamp_max clamp_min clip copysign heaviside lerp masked_fill maximum minimum nan_to_num where",
        "addcdiv addcmul clamp clamp_max clamp_min clip copysign heaviside lerp masked_fill maximum minimum nan_to_num where",
        "addcdiv addcdiv_ addcmul addcmul_ clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clip clip_ copysign copysign_ "
        "heaviside heaviside_ lerp lerp_ masked_fill masked_fill_ maximum minimum nan_to_num nan_to_num_",
        "",
    ),
    "common_losses": File(
        "binary_cross_entropy binary_cross_entropy_with_logits cross_entropy l1_loss mse_loss nll_loss nll_loss_backward "
        "nll_loss_images nll_loss_rows",
        "binary_cross_entropy binary_cross_entropy_with_logits cross_entropy l1_loss mse_loss nll_loss nll_loss_backward "
        "nll_loss_images nll_loss_rows",
        "",
        "",
        "torch.nn.functional",
    ),
    "complex_numbers": File(
        "adjoint angle complex conj conj_physical conj_view conjugate imag mH neg_view polar real resolve_conj resolve_neg sgn "
        "view_as_complex view_as_real",
        "adjoint angle complex conj conj_physical conj_view imag mH neg_view polar real resolve_conj resolve_neg sgn "
        "view_as_complex view_as_real",
        "adjoint angle complex conj conj_physical imag polar real resolve_conj resolve_neg sgn view_as_complex view_as_real",
        "adjoint angle conj conj_physical conj_physical_ resolve_conj resolve_neg sgn sgn_",
        "",
    ),
    "contraction": File(
        "einsum linalg_cross tensordot",
        "einsum linalg_cross tensordot",
        "einsum tensordot",
        "",
        "torch.linalg",
    ),
    "conv": File(
        "constant_pad_nd conv1d conv2d conv3d conv_input conv_transpose1d conv_transpose2d conv_transpose3d conv_weight "
        "convolution",
        "constant_pad_nd conv1d conv2d conv3d conv_input conv_transpose1d conv_transpose2d conv_transpose3d conv_weight "
        "convolution",
        "constant_pad_nd",
        "",
        "torch.nn.functional",
    ),
    "copies": File(
        "alias_copy as_strided_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy slice_copy split_copy "
        "split_with_sizes_copy squeeze_copy squeeze_dim_copy squeeze_dims_copy t_copy transpose_copy unbind_copy unfold_copy "
        "unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze_copy view_as_real_copy view_copy",
        "alias_copy as_strided_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy slice_copy split_copy "
        "split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsafe_chunk unsafe_split "
        "unsafe_split_with_sizes unsqueeze_copy view_as_real_copy view_copy",
        "alias_copy as_strided_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy slice_copy split_copy "
        "split_with_sizes_copy squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsafe_chunk unsafe_split "
        "unsafe_split_with_sizes unsqueeze_copy view_as_real_copy view_copy",
        "narrow_copy unsafe_chunk unsafe_split unsafe_split_with_sizes",
        "",
    ),
    "counting": File(
        "bincount isin repeat_interleave repeat_interleave_each unique unique_consecutive unique_elements unique_runs "
        "unique_slices weighed_counts",
        "bincount isin repeat_interleave unique unique_consecutive unique_elements unique_runs unique_slices weighed_counts",
        "bincount isin repeat_interleave unique unique_consecutive",
        "bincount repeat_interleave unique unique_consecutive",
        "",
    ),
    "decompositions": File(
        "cholesky linalg_cholesky linalg_cholesky_ex linalg_qr qr",
        "cholesky linalg_cholesky linalg_cholesky_ex linalg_qr qr",
        "cholesky qr",
        "cholesky qr",
        "torch.linalg",
    ),
    "determinants": File(
        "cofactors det inverse linalg_det linalg_inv linalg_inv_ex linalg_slogdet logdet slogdet",
        "cofactors det inverse linalg_det linalg_inv linalg_inv_ex linalg_slogdet logdet slogdet",
        "det inverse logdet slogdet",
        "det inverse logdet slogdet",
        "torch.linalg",
    ),
    "diagonals": File(
        "diag diag_embed diagonal diagonal_backward tril triu",
        "diag diag_embed diagonal diagonal_backward tril triu",
        "diag diag_embed diagonal tril triu",
        "diag diag_embed diagonal tril tril_ triu triu_",
        "",
    ),
    "distances": File(
        "cdist cross dist euclidean_dist pdist renorm rows_apart",
        "cdist cross dist euclidean_dist pdist renorm rows_apart",
        "cdist cross dist renorm",
        "cross dist renorm renorm_",
        "torch.nn.functional",
    ),
    "eigenvalues": File(
        "free_of_phases linalg_eig linalg_eigh linalg_eigvals linalg_eigvalsh linalg_svd linalg_svdvals svd",
        "free_of_phases linalg_eig linalg_eigh linalg_eigvals linalg_eigvalsh linalg_svd linalg_svdvals svd",
        "svd",
        "svd",
        "torch.linalg",
    ),
    "fourier": File(
        "fft_c2c fft_c2r fft_fft fft_fftfreq fft_fftshift fft_hfft fft_ifft fft_ifftshift fft_ihfft fft_irfft fft_r2c fft_rfft "
        "fft_rfftfreq",
        "fft_c2c fft_c2r fft_fft fft_fftfreq fft_fftshift fft_hfft fft_ifft fft_ifftshift fft_ihfft fft_irfft fft_r2c fft_rfft "
        "fft_rfftfreq",
        "",
        "",
        "torch.fft",
    ),
    "fourier_nd": File(
        "fft_fft2 fft_fftn fft_hfft2 fft_hfftn fft_ifft2 fft_ifftn fft_ihfft2 fft_ihfftn fft_irfft2 fft_irfftn fft_rfft2 "
        "fft_rfftn",
        "fft_fft2 fft_fftn fft_hfft2 fft_hfftn fft_ifft2 fft_ifftn fft_ihfft2 fft_ihfftn fft_irfft2 fft_irfftn fft_rfft2 "
        "fft_rfftn",
        "",
        "",
        "torch.fft",
    ),
    "gamma": File(
        "digamma igamma igammac lgamma mvlgamma polygamma polygamma_here polygamma_of special_zeta",
        "digamma igamma igammac lgamma mvlgamma polygamma psi special_zeta",
        "digamma igamma igammac lgamma mvlgamma polygamma psi",
        "digamma digamma_ igamma igamma_ igammac igammac_ lgamma lgamma_ mvlgamma mvlgamma_ polygamma polygamma_ psi psi_",
        "torch.special",
    ),
    "gathering": File(
        "gather index_add_to index_select scatter_add_to take take_along_dim",
        "gather index_add_to index_select scatter_add_to take take_along_dim",
        "gather index_select take take_along_dim",
        "gather index_select take take_along_dim",
        "",
    ),
    "histograms": File(
        "histc histogram histogram_edges histogramdd histogramdd_edges histogramdd_hist",
        "histc histogram histogramdd histogramdd_edges histogramdd_hist",
        "histc histogram histogramdd",
        "histc histogram",
        "",
    ),
    "in_place": File(
        "apply_each fill_diagonal float_power_in_place map_each square_in_place",
        "apply_ fill_diagonal_ float_power_ map_ square_",
        "",
        "apply_ fill_diagonal_ float_power_ map_ square_",
        "",
    ),
    "ldl": File(
        "linalg_ldl_factor linalg_ldl_factor_ex linalg_ldl_solve lu lu_with_info",
        "_lu_with_info linalg_ldl_factor linalg_ldl_factor_ex linalg_ldl_solve lu",
        "lu",
        "lu",
        "torch.linalg",
    ),
    "losses": File(
        "cosine_embedding_loss gaussian_nll_loss hinge_embedding_loss huber_loss kl_div margin_ranking_loss "
        "multilabel_soft_margin_loss poisson_nll_loss smooth_l1 smooth_l1_loss soft_margin_loss triplet_margin_loss",
        "cosine_embedding_loss gaussian_nll_loss hinge_embedding_loss huber_loss kl_div margin_ranking_loss "
        "multilabel_soft_margin_loss poisson_nll_loss smooth_l1 smooth_l1_loss soft_margin_loss triplet_margin_loss",
        "",
        "",
        "torch.nn.functional",
    ),
    "lowrank": File(
        "pca_lowrank svd_lowrank",
        "pca_lowrank svd_lowrank",
        "pca_lowrank svd_lowrank",
        "",
        "",
    ),
    "lu": File(
        "linalg_lu linalg_lu_factor linalg_lu_factor_ex linalg_lu_solve lu_solve lu_unpack",
        "linalg_lu linalg_lu_factor linalg_lu_factor_ex linalg_lu_solve lu_solve lu_unpack",
        "lu_solve lu_unpack",
        "lu_solve",
        "torch.linalg",
    ),
    "margins": File(
        "label_pairs linear_cross_entropy multi_margin multi_margin_loss multilabel_margin_loss "
        "triplet_margin_with_distance_loss",
        "label_pairs linear_cross_entropy multi_margin multi_margin_loss multilabel_margin_loss "
        "triplet_margin_with_distance_loss",
        "",
        "",
        "torch.nn.functional",
    ),
    "masked": File(
        "masked_amax masked_amin masked_argmax masked_argmin masked_cumprod masked_cumsum masked_log_softmax masked_logaddexp "
        "masked_logsumexp masked_mean masked_median masked_norm masked_normalize masked_prod masked_softmax masked_softmin "
        "masked_std masked_sum masked_var",
        "masked_amax masked_amin masked_argmax masked_argmin masked_cumprod masked_cumsum masked_log_softmax masked_logaddexp "
        "masked_logsumexp masked_mean masked_median masked_norm masked_normalize masked_prod masked_softmax masked_softmin "
        "masked_std masked_sum masked_var",
        "",
        "",
        "torch.masked",
    ),
    "matrices": File(
        "linalg_cond linalg_matrix_exp linalg_matrix_norm linalg_matrix_power linalg_matrix_rank linalg_norm linalg_pinv "
        "linalg_tensorinv linalg_tensorsolve linalg_vander matrix_exp matrix_power pinverse vander",
        "linalg_cond linalg_matrix_exp linalg_matrix_norm linalg_matrix_power linalg_matrix_rank linalg_norm linalg_pinv "
        "linalg_tensorinv linalg_tensorsolve linalg_vander matrix_exp matrix_power pinverse vander",
        "matrix_exp matrix_power pinverse vander",
        "matrix_exp matrix_power pinverse",
        "torch.linalg",
    ),
    "maxima": File(
        "adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices fractional_max_pool2d fractional_max_pool3d "
        "fractional_maxima2d fractional_maxima3d max_pool2d_with_indices max_pool3d_with_indices max_unpool1d max_unpool2d "
        "max_unpool3d unpooled2d unpooled3d",
        "adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices fractional_max_pool2d fractional_max_pool3d "
        "fractional_maxima2d fractional_maxima3d max_pool2d_with_indices max_pool3d_with_indices max_unpool1d max_unpool2d "
        "max_unpool3d unpooled2d unpooled3d",
        "",
        "",
        "torch.nn.functional",
    ),
    "natives": File(
        "native_batch_norm native_group_norm native_layer_norm",
        "native_batch_norm native_group_norm native_layer_norm",
        "native_batch_norm native_group_norm native_layer_norm",
        "",
        "",
    ),
    "nn": File(
        "dropout embedding embedding_backward embedding_rows embedding_shares linear log_softmax normalize one_hot one_hot_of "
        "softmax",
        "dropout embedding embedding_backward embedding_rows embedding_shares linear log_softmax normalize one_hot one_hot_of "
        "softmax",
        "log_softmax softmax",
        "log_softmax softmax",
        "torch.nn.functional",
    ),
    "norm": File(
        "alpha_dropout batch_norm batch_norm_values dropout1d dropout2d dropout3d feature_alpha_dropout group_norm "
        "instance_norm layer_norm rms_norm",
        "alpha_dropout batch_norm batch_norm_values dropout1d dropout2d dropout3d feature_alpha_dropout group_norm "
        "instance_norm layer_norm rms_norm",
        "",
        "",
        "torch.nn.functional",
    ),
    "numbers": File(
        "deg2rad float_power fmax fmin frexp gcd isneginf isposinf isreal lcm ldexp logaddexp2 nextafter rad2deg signbit",
        "deg2rad float_power fmax fmin frexp gcd isneginf isposinf isreal lcm ldexp logaddexp2 nextafter rad2deg signbit",
        "deg2rad float_power fmax fmin frexp gcd isneginf isposinf isreal lcm ldexp logaddexp2 nextafter rad2deg signbit",
        "deg2rad deg2rad_ float_power float_power_ fmax fmin frexp gcd gcd_ isneginf isposinf isreal lcm lcm_ ldexp ldexp_ "
        "logaddexp2 nextafter nextafter_ rad2deg rad2deg_ signbit",
        "",
    ),
    "padding": File(
        "pad",
        "pad",
        "",
        "",
        "torch.nn.functional",
    ),
    "patches": File(
        "channel_shuffle col2im fold functional_unfold im2col local_response_norm pixel_shuffle pixel_unshuffle",
        "channel_shuffle col2im fold functional_unfold im2col local_response_norm pixel_shuffle pixel_unshuffle",
        "",
        "",
        "torch.nn.functional",
    ),
    "placing": File(
        "index_add index_copy index_fill index_fill_tensor masked_scatter masked_scatter_backward put unravel_index",
        "index_add index_copy index_fill masked_scatter masked_scatter_backward put unravel_index",
        "index_add index_copy index_fill masked_scatter put unravel_index",
        "index_add index_add_ index_copy index_copy_ index_fill index_fill_ masked_scatter masked_scatter_ put put_",
        "",
    ),
    "polynomials": File(
        "special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v "
        "special_chebyshev_polynomial_w special_hermite_polynomial_h special_hermite_polynomial_he "
        "special_laguerre_polynomial_l special_legendre_polynomial_p special_shifted_chebyshev_polynomial_t "
        "special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v special_shifted_chebyshev_polynomial_w",
        "special_chebyshev_polynomial_t special_chebyshev_polynomial_u special_chebyshev_polynomial_v "
        "special_chebyshev_polynomial_w special_hermite_polynomial_h special_hermite_polynomial_he "
        "special_laguerre_polynomial_l special_legendre_polynomial_p special_shifted_chebyshev_polynomial_t "
        "special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v special_shifted_chebyshev_polynomial_w",
        "",
        "",
        "torch.special",
    ),
    "pooling": File(
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool2d_of adaptive_avg_pool3d adaptive_avg_pool3d_of "
        "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d avg_pool3d_of avg_pool_of "
        "lp_pool1d lp_pool2d lp_pool3d max_pool1d max_pool2d max_pool3d",
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool2d_of adaptive_avg_pool3d adaptive_avg_pool3d_of "
        "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d avg_pool3d_of avg_pool_of "
        "lp_pool1d lp_pool2d lp_pool3d max_pool1d max_pool2d max_pool3d",
        "",
        "",
        "torch.nn.functional",
    ),
    "products": File(
        "addbmm addr chain_matmul linalg_multi_dot linalg_vecdot vdot",
        "addbmm addr chain_matmul linalg_multi_dot linalg_vecdot vdot",
        "addbmm addr chain_matmul vdot",
        "addbmm addbmm_ addr addr_ vdot",
        "torch.linalg",
    ),
    "quantiles": File(
        "mode nanmedian nanmedian_dim nanquantile quantile",
        "mode nanmedian nanquantile quantile",
        "mode nanmedian nanquantile quantile",
        "mode nanmedian nanquantile quantile",
        "",
    ),
    "random_ops": File(
        "bernoulli binomial cauchy exponential fill_bernoulli fill_bernoulli_tensor fill_normal geometric log_normal "
        "multinomial normal normal_mean normal_std normal_tensors poisson rand rand_like randint randint_from randint_like "
        "randint_like_from randn randn_like random random_from random_to randperm uniform",
        "bernoulli bernoulli_ binomial cauchy_ exponential_ geometric_ log_normal_ multinomial normal normal_ poisson rand "
        "rand_like randint randint_like randn randn_like random_ randperm uniform_",
        "bernoulli binomial multinomial normal poisson rand rand_like randint randint_like randn randn_like randperm",
        "bernoulli bernoulli_ bernoulli_ cauchy_ exponential_ geometric_ log_normal_ multinomial normal_ random_ uniform_",
        "",
    ),
    "rectifiers": File(
        "gelu leaky_relu relu relu_inplace sigmoid silu softplus",
        "gelu leaky_relu relu sigmoid silu softplus",
        "relu sigmoid",
        "relu relu_ sigmoid sigmoid_",
        "torch.nn.functional",
    ),
    "reflections": File(
        "geqrf linalg_householder_product orgqr ormqr",
        "geqrf linalg_householder_product orgqr ormqr",
        "geqrf orgqr ormqr",
        "geqrf orgqr ormqr",
        "torch.linalg",
    ),
    "relaxed": File(
        "gumbel_softmax",
        "gumbel_softmax",
        "",
        "",
        "torch.nn.functional",
    ),
    "replacing": File(
        "as_strided_scatter diagonal_scatter select_scatter slice_scatter",
        "as_strided_scatter diagonal_scatter select_scatter slice_scatter",
        "as_strided_scatter diagonal_scatter select_scatter slice_scatter",
        "as_strided_scatter diagonal_scatter select_scatter slice_scatter",
        "",
    ),
    "resampling": File(
        "resampled",
        "resampled",
        "",
        "",
        "",
    ),
    "resize": File(
        "interpolate upsample upsample_bicubic2d upsample_bicubic2d_aa upsample_bilinear upsample_bilinear2d "
        "upsample_bilinear2d_aa upsample_lanczos2d_aa upsample_linear1d upsample_nearest upsample_nearest1d upsample_nearest2d "
        "upsample_nearest3d upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d upsample_trilinear3d",
        "interpolate upsample upsample_bicubic2d upsample_bicubic2d_aa upsample_bilinear upsample_bilinear2d "
        "upsample_bilinear2d_aa upsample_lanczos2d_aa upsample_linear1d upsample_nearest upsample_nearest1d upsample_nearest2d "
        "upsample_nearest3d upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d upsample_trilinear3d",
        "",
        "",
        "torch.nn.functional",
    ),
    "running": File(
        "aminmax cummax cummin cumprod cumsum diff logcumsumexp nanmean",
        "aminmax cummax cummin cumprod cumsum diff logcumsumexp nanmean",
        "aminmax cummax cummin cumprod cumsum diff logcumsumexp nanmean",
        "aminmax cummax cummin cumprod cumprod_ cumsum cumsum_ diff logcumsumexp nanmean",
        "",
    ),
    "sampling": File(
        "affine_grid affine_grid_backward affine_grid_generator grid_places grid_products grid_sample grid_sampler "
        "grid_sampler_2d grid_sampler_3d grid_spread grid_sums grid_weights",
        "affine_grid affine_grid_backward affine_grid_generator grid_places grid_products grid_sample grid_sampler "
        "grid_sampler_2d grid_sampler_3d grid_spread grid_sums grid_weights",
        "affine_grid_generator grid_sampler grid_sampler_2d grid_sampler_3d",
        "",
        "torch.nn.functional",
    ),
    "scattering": File(
        "index_reduce scatter scatter_add scatter_by scatter_reduce scatter_value scatter_value_by",
        "index_reduce scatter scatter_add scatter_reduce",
        "index_reduce scatter scatter_add scatter_reduce",
        "index_reduce index_reduce_ scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_",
        "",
    ),
    "sequences": File(
        "bag_maxima bag_sums bag_winners ctc_backward ctc_loss ctc_losses embedding_bag",
        "bag_maxima bag_sums bag_winners ctc_backward ctc_loss ctc_losses embedding_bag",
        "",
        "",
        "torch.nn.functional",
    ),
    "slopes": File(
        "gradient trapz trapz_even",
        "gradient trapz",
        "gradient trapz",
        "",
        "",
    ),
    "solvers": File(
        "cholesky_inverse cholesky_solve linalg_lstsq linalg_solve linalg_solve_ex linalg_solve_triangular triangular_solve",
        "cholesky_inverse cholesky_solve linalg_lstsq linalg_solve linalg_solve_ex linalg_solve_triangular triangular_solve",
        "cholesky_inverse cholesky_solve triangular_solve",
        "cholesky_inverse cholesky_solve triangular_solve",
        "torch.linalg",
    ),
    "sort": File(
        "argsort bucketize kthvalue median median_dim searchsorted searchsorted_number sort sort_stable topk",
        "argsort bucketize kthvalue median searchsorted sort topk",
        "argsort bucketize kthvalue median searchsorted sort topk",
        "argsort kthvalue median sort topk",
        "",
    ),
    "special": File(
        "erf erfc erfinv logit sinc special_entr special_erfcx special_log_ndtr special_ndtr special_ndtri special_xlog1py "
        "xlogy",
        "erf erfc erfinv logit sinc special_entr special_erfcx special_log_ndtr special_ndtr special_ndtri special_xlog1py "
        "xlogy",
        "erf erfc erfinv logit sinc xlogy",
        "erf erf_ erfc erfc_ erfinv erfinv_ logit logit_ sinc sinc_ xlogy xlogy_",
        "torch.special",
    ),
    "spectrograms": File(
        "istft stft",
        "istft stft",
        "istft stft",
        "istft stft",
        "",
    ),
    "statistics": File(
        "corrcoef cov msort std_mean std_mean_dim_unbiased std_mean_unbiased var_mean var_mean_dim_unbiased var_mean_unbiased",
        "corrcoef cov msort std_mean var_mean",
        "corrcoef cov msort std_mean var_mean",
        "corrcoef cov msort",
        "",
    ),
    "strided": File(
        "as_strided restride unfold unfold_backward",
        "as_strided restride unfold unfold_backward",
        "as_strided",
        "as_strided as_strided_ unfold",
        "",
    ),
    "trigonometry": File(
        "acos acosh asin asinh atan atan2 atanh cos cosh hypot sin sinh tan tanh",
        "acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh cos cosh hypot sin sinh "
        "tan tanh",
        "acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh cos cosh hypot sin sinh "
        "tan tanh",
        "acos acos_ acosh acosh_ arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan2 arctan2_ "
        "arctan_ arctanh arctanh_ asin asin_ asinh asinh_ atan atan2 atan2_ atan_ atanh atanh_ cos cos_ cosh cosh_ hypot hypot_ "
        "sin sin_ sinh sinh_ tan tan_ tanh tanh_",
        "",
    ),
    "vector_norms": File(
        "norm norm_dim vector_norm",
        "norm norm_dim vector_norm",
        "norm",
        "norm",
        "torch.linalg",
    ),
    "whole_numbers": File(
        "ceil floor frac round round_decimals trunc",
        "ceil fix floor frac round trunc",
        "ceil fix floor frac round trunc",
        "ceil ceil_ fix fix_ floor floor_ frac frac_ round round_ trunc trunc_",
        "",
    ),
    "windows": File(
        "bartlett_window blackman_window hamming_window hann_window kaiser_window windows_bartlett windows_blackman "
        "windows_cosine windows_exponential windows_gaussian windows_general_cosine windows_general_hamming windows_hamming "
        "windows_hann windows_kaiser windows_nuttall",
        "bartlett_window blackman_window hamming_window hann_window kaiser_window windows_bartlett windows_blackman "
        "windows_cosine windows_exponential windows_gaussian windows_general_cosine windows_general_hamming windows_hamming "
        "windows_hann windows_kaiser windows_nuttall",
        "bartlett_window blackman_window hamming_window hann_window kaiser_window",
        "",
        "torch.signal.windows",
    ),
}

FILE_OF = {kind: {name: file for file, each in FILES.items() for name in getattr(each, kind).split()} for kind in ("ops", "names", "methods")}
